package org.autodidact.api;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Declares a component of a record as something that people set. From the declaration come its key
 * in a configuration, its option on the command line, its check and its line in the documentation.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Setting {
  /** Its meaning: a line of the command line's help and of the documentation. */
  String value();

  /** The numbers allowed, as an interval, for example {@code [0, 1)}; empty: no limit. */
  String range() default "";

  /** The default in words; empty where the record's default instance has it. */
  String byDefault() default "";
}
