package org.autodidact.onnxruntime.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GraphBackendTest {
  @TempDir Path folder;

  @Test
  void afterWeightsCouldNotBeLoadedTheNextCallLoadsThem() throws Exception {
    Path path = TinyModel.write(folder.resolve("tiny"), 5);
    Path weights = path.resolve("model.safetensors");
    Path away = folder.resolve("away");
    try (ModelFolder model = ModelFolder.open(path);
        GraphBackend backend = new GraphBackend(model, Optional.empty(), 2, false, 2048)) {
      float before = logit(backend);
      Files.move(weights, away);
      assertThatThrownBy(() -> backend.prepare(2)).isInstanceOf(UnsupportedModelException.class);
      Files.move(away, weights);
      backend.prepare(2);
      assertThat(logit(backend)).isEqualTo(before);
      Files.move(weights, away);
      assertThatThrownBy(() -> backend.prepare(1)).isInstanceOf(UnsupportedModelException.class);
    }
  }

  private static float logit(GraphBackend backend) {
    GraphSession session = backend.session(0);
    session.cache().layOut(1, 8);
    int[] ids = {5, 6, 7};
    return session
        .run(DecoderSession.Input.ofPrompt(session.cache(), 0, ids, 0, new int[] {2}, 1))
        .logit(0, 0);
  }
}
