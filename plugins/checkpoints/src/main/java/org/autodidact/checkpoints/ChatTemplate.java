package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import jinjava.javax.el.CompositeELResolver;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.StorageException;
import org.autodidact.api.UnsupportedModelException;

/**
 * A checkpoint's chat template: Jinja with Hugging Face's additions, run by Jinjava. A template is
 * somebody else's program: it is given texts only, and its output and its loops are bounded.
 */
final class ChatTemplate {
  private static final long MAX_OUTPUT = 4L << 20;

  private final String source;
  private final String text;
  private final Map<String, Object> constants;
  private final Jinjava jinjava;

  private ChatTemplate(String source, String text, Map<String, Object> constants) {
    this.source = source;
    this.text = JinjaDialect.adapt(text);
    this.constants = constants;
    this.jinjava = withOwnLoader(ChatTemplate::jinjava);
  }

  /** From chat_template.jinja, or tokenizer_config.json. */
  static ChatTemplate read(Path folder) {
    Path own = folder.resolve("chat_template.jinja");
    Optional<ObjectNode> config = Json.readIfThere(folder.resolve("tokenizer_config.json"));
    Map<String, Object> constants = new HashMap<>();
    for (String name : List.of("bos_token", "eos_token", "pad_token", "unk_token")) {
      JsonNode token = config.map(c -> c.path(name)).orElse(Json.MAPPER.missingNode());
      constants.put(name, token.isObject() ? token.path("content").asText("") : token.asText(""));
    }
    if (Files.exists(own)) {
      try {
        return new ChatTemplate(own.toString(), Files.readString(own), constants);
      } catch (IOException e) {
        throw new StorageException(own + ": cannot be read: " + e, e);
      }
    }
    JsonNode inside = config.map(c -> c.path("chat_template")).orElse(Json.MAPPER.missingNode());
    String text = inside.asText("");
    for (JsonNode named : inside) {
      if (named.path("name").asText().equals("default")) {
        text = named.path("template").asText("");
      }
    }
    return new ChatTemplate(folder + "/tokenizer_config.json", text, constants);
  }

  private static Jinjava jinjava() {
    CompositeELResolver resolver = new CompositeELResolver();
    resolver.add(new PythonStrings());
    resolver.add(JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY);
    Jinjava jinjava =
        new Jinjava(
            JinjavaConfig.newBuilder()
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withMaxOutputSize(MAX_OUTPUT)
                .withMaxRenderDepth(20)
                .withElResolver(resolver)
                .withFailOnUnknownTokens(false)
                .withLegacyOverrides(
                    LegacyOverrides.newBuilder()
                        .withUsePyishObjectMapper(true)
                        .withEvaluateMapKeys(true)
                        .withUseNaturalOperatorPrecedence(true)
                        .withParseWhitespaceControlStrictly(true)
                        .withAllowAdjacentTextNodes(true)
                        .withUseTrimmingForNotesAndExpressions(true)
                        .build())
                .build());
    Map.of("raise_exception", "raiseException", "strftime_now", "strftimeNow")
        .forEach(
            (name, method) -> jinjava.getGlobalContext().registerFunction(function(name, method)));
    return jinjava;
  }

  private static ELFunctionDefinition function(String name, String method) {
    try {
      return new ELFunctionDefinition(
          "", name, JinjaFunctions.class.getDeclaredMethod(method, String.class));
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException(e);
    }
  }

  boolean isThere() {
    return !text.isEmpty();
  }

  /** The conversation as the template writes it. */
  String render(List<Message> messages, boolean addGenerationPrompt) {
    if (text.isEmpty()) {
      throw new UnsupportedModelException(
          source
              + ": the checkpoint has no chat template, so it cannot be asked anything; put one"
              + " into chat_template.jinja in its folder ('autodidact import' makes a folder of a GGUF"
              + " file)");
    }
    Map<String, Object> bindings = new HashMap<>(constants);
    bindings.put(
        "messages",
        messages.stream()
            .map(
                m -> {
                  Map<String, Object> map = new LinkedHashMap<>();
                  map.put("role", m.role());
                  map.put("content", m.content());
                  return map;
                })
            .toList());
    bindings.put("add_generation_prompt", addGenerationPrompt);
    RenderResult result = withOwnLoader(() -> jinjava.renderForResult(text, bindings));
    for (TemplateError error : result.getErrors()) {
      if (error.getSeverity() == TemplateError.ErrorType.FATAL) {
        throw failure(error);
      }
    }
    return result.getOutput();
  }

  /** Jinjava looks its parts up by the thread's class loader, which in a container may see none. */
  private static <T> T withOwnLoader(Supplier<T> work) {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(ChatTemplate.class.getClassLoader());
    try {
      return work.get();
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private RuntimeException failure(TemplateError error) {
    for (Throwable t = error.getException(); t != null; t = t.getCause()) {
      if (t instanceof InvalidInputException refusal) {
        return refusal;
      }
    }
    return new UnsupportedModelException(
        source
            + ": the chat template cannot be run: "
            + error.getMessage()
            + " (line "
            + error.getLineno()
            + ")");
  }
}
