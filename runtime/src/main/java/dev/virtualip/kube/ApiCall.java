package dev.virtualip.kube;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A single request to the API server. Unlike the client's own patch call it does not read the
 * object first, and so does not need the right to read it.
 */
public final class ApiCall {
  /** Content type of a JSON merge patch (RFC 7396). */
  public static final String MERGE_PATCH = "application/merge-patch+json";

  /** Content type of a JSON patch (RFC 6902). */
  public static final String JSON_PATCH = "application/json-patch+json";

  /** Content type of a server-side apply; JSON is YAML. */
  public static final String APPLY_PATCH = "application/apply-patch+yaml";

  /** Content type of whole objects. */
  public static final String JSON = "application/json";

  private static final long TIMEOUT_MS = 5000;

  private ApiCall() {}

  /**
   * The server's answer.
   *
   * @param code HTTP status
   * @param body text of the answer
   */
  public record Answer(int code, String body) {
    /**
     * The answer of a server that serves the path. One that has just started says 404 of custom
     * resources for some milliseconds, though not by a Status; that must not pass for an object
     * that has gone.
     *
     * @throws IOException if the server does not know the path, or not yet
     */
    public static Answer of(int code, String body, String path) throws IOException {
      if (code == HttpURLConnection.HTTP_NOT_FOUND && !body.contains("\"Status\"")) {
        throw new IOException("the API server does not serve %s, or not yet".formatted(path));
      }
      return new Answer(code, body);
    }

    /** Whether the request succeeded, with a status of 200 to 299. */
    public boolean ok() {
      return code >= 200 && code < 300;
    }

    @Override
    public String toString() {
      return "HTTP status " + code + " " + body.lines().findFirst().orElse("");
    }
  }

  /** What sends Events by a client. */
  public static EventWriter.Sender sender(KubernetesClient client) {
    return (method, path, type, body) -> send(client, method, path, type, body);
  }

  /**
   * Sends a request with a body.
   *
   * @param path path below the server's root, without a leading slash
   * @throws IOException if there is no answer within 5 s, or the server does not serve the path
   */
  public static Answer send(
      KubernetesClient client, String method, String path, String contentType, String body)
      throws IOException, InterruptedException {
    try {
      return sent(client, method, path, contentType, body);
    } catch (KubernetesClientException e) {
      throw new IOException(e);
    }
  }

  private static Answer sent(
      KubernetesClient client, String method, String path, String contentType, String body)
      throws IOException, InterruptedException {
    var http = client.getHttpClient();
    var request =
        http.newHttpRequestBuilder()
            .uri(client.getMasterUrl() + path)
            .method(method, contentType, body)
            .build();
    var answer = http.sendAsync(request, byte[].class);
    try {
      var got = answer.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
      return Answer.of(got.code(), new String(got.body(), StandardCharsets.UTF_8), path);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("no answer within " + TIMEOUT_MS + " ms", e);
    } finally {
      answer.cancel(true);
    }
  }
}
