package org.autodidact.cli.process;

import org.autodidact.api.AutodidactException;
import picocli.CommandLine.ParameterException;

/** A fault of the command line that is found in the midst of the work. */
public final class UsageException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  private final transient ParameterException fault;

  public UsageException(ParameterException fault) {
    super(fault.getMessage(), fault);
    this.fault = fault;
  }

  /** The exception that the parser would have thrown. */
  public ParameterException fault() {
    return fault;
  }
}
