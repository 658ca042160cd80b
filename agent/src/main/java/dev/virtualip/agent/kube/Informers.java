package dev.virtualip.agent.kube;

import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts informers that never give up. */
final class Informers {
  private static final Logger LOG = LoggerFactory.getLogger(Informers.class);

  private Informers() {}

  /**
   * Starts an informer that tries again after any error, and logs each new error once.
   *
   * @param what name of the objects in the log
   * @return completes with the first list
   */
  static CompletionStage<Void> startForEver(SharedIndexInformer<?> informer, String what) {
    return startForEver(informer, what, _ -> {});
  }

  /**
   * The same for what the API server may not know, or not let it read.
   *
   * @param refused gets the HTTP status of each refusal; must not block
   */
  static CompletionStage<Void> startForEver(
      SharedIndexInformer<?> informer, String what, IntConsumer refused) {
    var logged = new AtomicReference<>("");
    informer.exceptionHandler(
        (started, error) -> {
          var cause = error;
          while (cause.getCause() != null) {
            cause = cause.getCause();
          }
          if (cause instanceof KubernetesClientException e) {
            refused.accept(e.getCode());
          }
          var text = cause.toString().lines().findFirst().orElse("");
          if (!text.equals(logged.getAndSet(text))) {
            LOG.warn("watch_failed what={} error=\"{}\": trying again", what, text);
          }
          return true;
        });
    return informer.start();
  }
}
