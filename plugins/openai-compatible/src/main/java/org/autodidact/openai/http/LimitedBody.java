package org.autodidact.openai.http;

import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/** The bytes of an answer, which may not be endless: an address may be that of anything. */
final class LimitedBody implements BodySubscriber<byte[]> {
  /** Bytes: the log-probabilities of a long prompt are some MB. */
  static final long MAXIMUM = 256L << 20;

  private final BodySubscriber<byte[]> bytes = BodySubscribers.ofByteArray();
  private Flow.Subscription subscription;
  private long received;

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription = given;
    bytes.onSubscribe(given);
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    for (ByteBuffer buffer : buffers) {
      received += buffer.remaining();
    }
    if (received > MAXIMUM) {
      subscription.cancel();
      bytes.onError(new IOException("an answer of more than " + MAXIMUM + " bytes"));
    } else {
      bytes.onNext(buffers);
    }
  }

  @Override
  public void onError(Throwable failure) {
    bytes.onError(failure);
  }

  @Override
  public void onComplete() {
    bytes.onComplete();
  }

  @Override
  public CompletionStage<byte[]> getBody() {
    return bytes.getBody();
  }
}
