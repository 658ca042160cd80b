package dev.virtualip.agent.kube;

import com.fasterxml.jackson.databind.JsonNode;
import dev.virtualip.crds.manifest.Manifests;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/** The agent on this node that takes its VirtualIPs from files, asked over HTTP. */
public final class FilesAgent {
  private static final int TIMEOUT_MS = 1000;

  private final String url;

  /**
   * @param address where it listens: its {@code --listen}
   */
  public FilesAgent(InetSocketAddress address) {
    var host = address.getAddress().getHostAddress();
    url =
        "http://%s:%d/virtualips"
            .formatted(host.contains(":") ? "[" + host + "]" : host, address.getPort());
  }

  /**
   * Its VirtualIPs, each with its own report as the status.
   *
   * @throws IOException if it gives none within a second; the message says where it was asked
   */
  public List<VirtualIp> virtualIps() throws IOException {
    try {
      var connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
      connection.setConnectTimeout(TIMEOUT_MS);
      connection.setReadTimeout(TIMEOUT_MS);
      try (var in = connection.getInputStream()) {
        return parsed(KubernetesSource.STATUS.readTree(in));
      } finally {
        connection.disconnect();
      }
    } catch (IOException e) {
      throw new IOException("no answer from " + url + ": " + e.getMessage(), e);
    }
  }

  static List<VirtualIp> parsed(JsonNode answer) {
    var all = new ArrayList<VirtualIp>();
    for (var item : answer.path("items")) {
      // What a newer agent has more is left out, as of objects of the API server.
      var vip = Manifests.lenientVirtualIp(item, new ArrayList<>());
      vip.setStatus(
          KubernetesSource.STATUS.convertValue(item.path("status"), VirtualIpStatus.class));
      all.add(vip);
    }
    return all;
  }
}
