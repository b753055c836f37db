package org.autodidact.openai;

import java.util.Arrays;
import java.util.List;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Plugin;

/**
 * Brings the generators {@code openai-compatible}, for any server, and {@code vllm}, {@code sglang}
 * and {@code llama-cpp-server}, for what those add.
 */
public final class OpenAiPlugin implements Plugin {
  @Override
  public String name() {
    return "openai-compatible";
  }

  @Override
  public List<GeneratorProvider> generators() {
    return Arrays.stream(ServerKind.values())
        .map(kind -> (GeneratorProvider) new RemoteProvider(kind))
        .toList();
  }

  @Override
  public List<String> diagnose() {
    return new Diagnosis(System::getenv).server();
  }

  @Override
  public List<String> diagnose(Checkpoint model) {
    return new Diagnosis(System::getenv).model(model);
  }
}
