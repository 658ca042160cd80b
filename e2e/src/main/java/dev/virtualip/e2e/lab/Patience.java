package dev.virtualip.e2e.lab;

import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.fabric8.kubernetes.client.http.Interceptor;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Sends a request again that the API server has put off, after a second: newer ones answer a LIST
 * with 429 ({@code storage is (re)initializing}) for a moment after they start, or after a CRD has
 * come. All other failures are the caller's, at once.
 */
final class Patience implements Interceptor {
  private static final int TIMES = 5;
  private static final int TOO_MANY_REQUESTS = 429;

  private Patience() {}

  /** Makes a client patient: each interceptor sends a request again once. */
  static void add(HttpClient.Builder client) {
    for (int i = 0; i < TIMES; i++) {
      client.addOrReplaceInterceptor("patience-" + i, new Patience());
    }
  }

  @Override
  public CompletableFuture<Boolean> afterFailure(
      HttpRequest.Builder request, HttpResponse<?> response, RequestTags tags) {
    return response.code() == TOO_MANY_REQUESTS
        ? CompletableFuture.supplyAsync(
            () -> true, CompletableFuture.delayedExecutor(1, TimeUnit.SECONDS))
        : CompletableFuture.completedFuture(false);
  }
}
