package org.autodidact.engine.guice;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.multibindings.Multibinder;
import com.google.inject.multibindings.OptionalBinder;
import java.util.Set;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.Plugin;
import org.autodidact.api.PromptSource;
import org.autodidact.api.RunListener;
import org.autodidact.engine.Autodidact;

/**
 * Wires the engine for hosts that use Guice, and bring it. A host adds plugins to the {@code
 * Multibinder} of {@link Plugin}, and may bind {@link RunListener} and {@link PromptSource} by
 * {@code OptionalBinder.newOptionalBinder(binder(), RunListener.class).setBinding()}; a plain
 * {@code bind} of them is a second binding, which Guice refuses. Hosts that do not use Guice take
 * {@link Autodidact#builder()}.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
@SuppressWarnings("exports") // of Guice, which whoever uses this class brings
public final class AutodidactModule extends AbstractModule {
  public AutodidactModule() {}

  @Override
  protected void configure() {
    Multibinder.newSetBinder(binder(), Plugin.class);
    OptionalBinder.newOptionalBinder(binder(), RunListener.class)
        .setDefault()
        .toInstance(new RunListener() {});
    OptionalBinder.newOptionalBinder(binder(), PromptSource.class);
  }

  @Provides
  @Singleton
  Autodidact autodidact(
      Set<Plugin> plugins, RunListener listener, java.util.Optional<PromptSource> promptSource) {
    Autodidact.Builder builder = Autodidact.builder().listener(listener);
    plugins.forEach(builder::plugin);
    promptSource.ifPresent(builder::promptSource);
    return builder.build();
  }
}
