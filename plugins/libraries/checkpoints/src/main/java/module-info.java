/** Model files: Hugging Face folders and GGUF, tokenizers, chat templates. */
module org.autodidact.checkpoints {
  requires transitive com.fasterxml.jackson.databind;
  requires transitive org.autodidact.api;
  requires ai.djl.tokenizers;
  requires com.sun.jna;

  exports org.autodidact.checkpoints;
  exports org.autodidact.checkpoints.files;
  exports org.autodidact.checkpoints.gguf;
  exports org.autodidact.checkpoints.jinja;
  exports org.autodidact.checkpoints.json;
  exports org.autodidact.checkpoints.natives;
  exports org.autodidact.checkpoints.safetensors;
  exports org.autodidact.checkpoints.tokenizer;
}
