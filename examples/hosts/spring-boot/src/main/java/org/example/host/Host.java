package org.example.host;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Plugin;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.stereotype.Service;

@SpringBootApplication
public class Host {
  public static void main(String[] arguments) {
    SpringApplication.run(Host.class, arguments).close();
  }

  @Bean
  Autodidact autodidact(List<Plugin> plugins) { // your own plugins, if you have such beans
    Autodidact.Builder builder = Autodidact.builder();
    plugins.forEach(builder::plugin);
    return builder.build();
  }

  @Bean
  ApplicationRunner runner(Runs runs) {
    return arguments -> {
      List<String> paths = arguments.getNonOptionArgs();
      Checkpoint last = runs.start(Path.of(paths.get(0)), Path.of(paths.get(1))).get();
      System.out.println(last.name() + " is in " + last.folder());
    };
  }

  @Service
  static class Runs implements DisposableBean {
    private final Autodidact engine;
    private final Cancellation cancellation = new Cancellation();
    private final ExecutorService thread = Executors.newSingleThreadExecutor();

    Runs(Autodidact engine) {
      this.engine = engine;
    }

    Future<Checkpoint> start(Path config, Path folder) {
      return thread.submit(
          () ->
              engine.run(
                  ConfigFile.read(config, Map.of("judge.name", "expected-score")),
                  folder,
                  cancellation));
    }

    @Override
    public void destroy() throws InterruptedException {
      cancellation.cancel(); // the step in hand is finished and stored
      thread.shutdown();
      thread.awaitTermination(10, TimeUnit.MINUTES);
    }
  }
}
