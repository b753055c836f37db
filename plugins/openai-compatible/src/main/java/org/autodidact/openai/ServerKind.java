package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.EnumSet;
import java.util.Set;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.ShownText;
import org.autodidact.openai.http.Server;

/**
 * The programs that serve models, by what they add to chat completions. Each has defaults of its
 * own for what a request leaves out, as {@code top_k} 40 in llama.cpp, so that a request to one
 * that is known says all.
 */
enum ServerKind {
  /** Nothing is known but OpenAI's interface, and what is not in it may be refused. */
  OTHER("openai-compatible", EnumSet.noneOf(GeneratorCapability.class)),
  VLLM(
      "vllm",
      EnumSet.of(
          GeneratorCapability.TOP_K,
          GeneratorCapability.MIN_P,
          GeneratorCapability.REPETITION_PENALTY,
          GeneratorCapability.IGNORE_END_OF_TEXT,
          GeneratorCapability.LOG_PROBABILITIES,
          GeneratorCapability.TOKEN_IDS,
          GeneratorCapability.SCORES)),
  SGLANG(
      "sglang",
      EnumSet.of(
          GeneratorCapability.TOP_K,
          GeneratorCapability.MIN_P,
          GeneratorCapability.REPETITION_PENALTY,
          GeneratorCapability.IGNORE_END_OF_TEXT,
          GeneratorCapability.SCORES)),
  LLAMA_CPP(
      "llama-cpp-server",
      EnumSet.of(
          GeneratorCapability.TOP_K,
          GeneratorCapability.MIN_P,
          GeneratorCapability.REPETITION_PENALTY,
          GeneratorCapability.IGNORE_END_OF_TEXT,
          GeneratorCapability.SCORES));

  /**
   * How many of the last tokens a penalty is for: for all there is no word, but for much memory.
   */
  private static final int PENALIZED = 1 << 16;

  private final String generatorName;
  private final Set<GeneratorCapability> capabilities;

  ServerKind(String generatorName, Set<GeneratorCapability> capabilities) {
    this.generatorName = generatorName;
    capabilities.add(GeneratorCapability.MODEL_REFERENCES);
    this.capabilities = Set.copyOf(capabilities);
  }

  /** The name of the generator that uses all that such a server can do. */
  String generatorName() {
    return generatorName;
  }

  /** What that generator can do. */
  Set<GeneratorCapability> capabilities() {
    return capabilities;
  }

  boolean can(GeneratorCapability capability) {
    return capabilities.contains(capability);
  }

  /** The kind that a server's list of models names as their owner. */
  static ServerKind of(JsonNode models) {
    return switch (models.at("/data/0/owned_by").asText("")) {
      case "vllm" -> VLLM;
      case "sglang" -> SGLANG;
      case "llamacpp" -> LLAMA_CPP;
      default -> OTHER;
    };
  }

  /** Adds to a request how to sample, where OpenAI's interface has no word for it. */
  void addSampling(ObjectNode request, SamplingParameters sampling) {
    if (this == OTHER) {
      return;
    }
    // all tokens: -1 in vLLM and SGLang, which also takes 0 in newer versions; 0 in llama.cpp
    int all = this == LLAMA_CPP ? 0 : -1;
    request.put("top_k", sampling.topK() == 0 ? all : sampling.topK());
    request.put("min_p", sampling.minP());
    request.put("ignore_eos", sampling.ignoreEndOfText());
    if (this == LLAMA_CPP) {
      request.put("repeat_penalty", sampling.repetitionPenalty());
      if (sampling.repetitionPenalty() != 1) {
        request.put("repeat_last_n", PENALIZED); // its default is 64
      }
      // in this order; its default has others between
      request
          .putArray("samplers")
          .add("penalties")
          .add("temperature")
          .add("top_k")
          .add("min_p")
          .add("top_p");
    } else {
      request.put("repetition_penalty", sampling.repetitionPenalty());
    }
  }

  /** What is wrong with an answer of a server that ought to be of this kind. */
  InvalidInputException foreign(Server server, String what, JsonNode answer) {
    return new InvalidInputException(
        "an answer of "
            + server.address()
            + " "
            + what
            + "; the generator '"
            + generatorName()
            + "' needs such a server: '"
            + ShownText.of(answer, 80)
            + "'");
  }
}
