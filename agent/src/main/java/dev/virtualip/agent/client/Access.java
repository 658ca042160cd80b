package dev.virtualip.agent.client;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Where an API server is, and where its credentials are. They are files that others replace, so
 * they are read again and again.
 *
 * @param server its root, without a slash at the end
 * @param insecure whether any certificate of the server will do
 * @param proxyUrl of an HTTP proxy to it, or null
 */
record Access(
    URI server,
    Content authority,
    Content certificate,
    Content key,
    Content token,
    boolean insecure,
    URI proxyUrl) {
  private static final Path ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");
  private static final int HTTP = 80;
  private static final int HTTPS = 443;

  /** A text that may be another one each time. */
  @FunctionalInterface
  interface Content {
    /** None at all. */
    Content NONE = () -> null;

    /**
     * @return null if there is none
     */
    String read() throws IOException;

    static Content of(Path file) {
      return () -> {
        try {
          return Files.readString(file);
        } catch (NoSuchFileException e) {
          throw new IOException("there is no file " + file + ", which has the credentials", e);
        }
      };
    }
  }

  /**
   * How to reach the API server.
   *
   * @param kubeconfig null for that of kubectl ({@code KUBECONFIG}, {@code ~/.kube/config}), and if
   *     there is none, the pod's service account
   * @throws IOException if it cannot be told; the message says what to do
   */
  static Access of(Path kubeconfig, Map<String, String> environment) throws IOException {
    if (kubeconfig != null) {
      return Kubeconfig.read(kubeconfig, environment);
    }
    var named = environment.getOrDefault("KUBECONFIG", "");
    if (named.contains(":")) {
      throw new IOException(
          "KUBECONFIG names several files: name one, which has all that it takes");
    }
    var usual = Path.of(environment.getOrDefault("HOME", "/"), ".kube", "config");
    if (!named.isEmpty() || Files.exists(usual)) {
      return Kubeconfig.read(named.isEmpty() ? usual : Path.of(named), environment);
    }
    return inCluster(ACCOUNT, environment);
  }

  /** By what Kubernetes gives each pod. */
  static Access inCluster(Path account, Map<String, String> environment) throws IOException {
    var server = uri(server(environment));
    return new Access(
        server,
        Content.of(account.resolve("ca.crt")),
        Content.NONE,
        Content.NONE,
        Content.of(account.resolve("token")),
        false,
        proxyOf(server, environment));
  }

  private static String server(Map<String, String> environment) throws IOException {
    var master = environment.get("KUBERNETES_MASTER");
    var host = environment.get("KUBERNETES_SERVICE_HOST");
    if (master != null) {
      return master;
    }
    if (host == null) {
      throw new IOException(
          "this is no pod (KUBERNETES_SERVICE_HOST is not set): give --kubeconfig a file");
    }
    var port = environment.getOrDefault("KUBERNETES_SERVICE_PORT", "443");
    return "https://%s:%s".formatted(host.contains(":") ? "[" + host + "]" : host, port);
  }

  static URI uri(String text) throws IOException {
    try {
      var uri = URI.create(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
      boolean known = "https".equals(uri.getScheme()) || "http".equals(uri.getScheme());
      if (known && uri.getHost() != null) {
        return uri;
      }
    } catch (IllegalArgumentException _) {
      // Said below.
    }
    throw new IOException(
        "\"%s\" is no address of a server: write https://HOST:PORT".formatted(text));
  }

  /** The proxy of the environment; null if there is none for this server. */
  static URI proxyOf(URI server, Map<String, String> environment) throws IOException {
    var name = server.getScheme() + "_proxy";
    var named = environment.getOrDefault(name.toUpperCase(Locale.ROOT), environment.get(name));
    var but = environment.getOrDefault("NO_PROXY", environment.getOrDefault("no_proxy", ""));
    if (named == null || named.isBlank()) {
      return null;
    }
    for (var without : but.split(",")) {
      if (isWithin(server.getHost(), without.strip())) {
        return null;
      }
    }
    return uri(named.contains("://") ? named : "http://" + named);
  }

  /** Whether a host is one of a NO_PROXY: a name, the end of names, or all. */
  private static boolean isWithin(String host, String without) {
    var bare = host.replaceAll("[\\[\\]]", "");
    return without.equals("*")
        || without.equals(bare)
        || !without.isEmpty() && bare.endsWith(without.startsWith(".") ? without : "." + without);
  }

  boolean isEncrypted() {
    return server.getScheme().equals("https");
  }

  URI uri(String scheme, String path) {
    return URI.create(
        scheme + server.toString().substring(server.getScheme().length()) + "/" + path);
  }

  /**
   * @param path path below the server's root, without a leading slash; may have a query
   */
  URI request(String path) {
    return uri(server.getScheme(), path);
  }

  URI webSocket(String path) {
    return uri(isEncrypted() ? "wss" : "ws", path);
  }

  Optional<ProxySelector> proxy() {
    return Optional.ofNullable(proxyUrl)
        .map(
            url -> {
              int usual = url.getScheme().equals("https") ? HTTPS : HTTP;
              int port = url.getPort() < 0 ? usual : url.getPort();
              return ProxySelector.of(InetSocketAddress.createUnresolved(url.getHost(), port));
            });
  }

  Credentials credentials() throws IOException {
    var read = token.read();
    return new Credentials(
        authority.read(), certificate.read(), key.read(), read == null ? null : read.strip());
  }
}
