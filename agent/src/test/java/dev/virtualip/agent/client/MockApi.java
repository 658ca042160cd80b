package dev.virtualip.agent.client;

import dev.virtualip.agent.client.Access.Content;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.net.URI;
import java.time.Duration;

/** Clients of servers that want no credentials. */
public final class MockApi {
  private MockApi() {}

  /** Of the same server. */
  public static ApiServer of(KubernetesClient other) {
    var url = other.getMasterUrl().toString();
    return at(url.substring(0, url.length() - 1));
  }

  /**
   * @param url without a slash at the end
   */
  public static ApiServer at(String url) {
    return at(url, Content.NONE, Content.NONE, true, Duration.ofSeconds(5));
  }

  static ApiServer at(
      String url, Content authority, Content token, boolean insecure, Duration pings) {
    var access =
        new Access(URI.create(url), authority, Content.NONE, Content.NONE, token, insecure, null);
    return new ApiServer(access, pings);
  }
}
