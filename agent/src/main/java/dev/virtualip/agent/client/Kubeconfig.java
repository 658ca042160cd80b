package dev.virtualip.agent.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.virtualip.agent.client.Access.Content;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.Set;

/**
 * A kubeconfig: its current context. It may name files and have what is in them, but no command: an
 * agent runs none for its credentials.
 */
final class Kubeconfig {
  private static final Set<String> OF_CLUSTER =
      Set.of(
          "server",
          "certificate-authority",
          "certificate-authority-data",
          "insecure-skip-tls-verify",
          "proxy-url",
          "disable-compression",
          "extensions");
  private static final Set<String> OF_USER =
      Set.of(
          "client-certificate",
          "client-certificate-data",
          "client-key",
          "client-key-data",
          "token",
          "tokenFile",
          "extensions");

  private final Path file;
  private final JsonNode config;

  private Kubeconfig(Path file, JsonNode config) {
    this.file = file;
    this.config = config;
  }

  static Access read(Path file, Map<String, String> environment) throws IOException {
    var text = Files.readString(file);
    // YAML is not loaded for JSON.
    var mapper = text.stripLeading().startsWith("{") ? ApiServer.JSON : new YAMLMapper();
    return new Kubeconfig(file, mapper.readTree(text)).access(environment);
  }

  private Access access(Map<String, String> environment) throws IOException {
    var context = named("context", config.path("current-context").asText());
    var cluster = known("cluster", context.path("cluster").asText(), OF_CLUSTER);
    var user = known("user", context.path("user").asText(), OF_USER);
    var server = Access.uri(cluster.path("server").asText());
    var proxy = cluster.path("proxy-url").asText();
    return new Access(
        server,
        content(cluster, "certificate-authority"),
        content(user, "client-certificate"),
        content(user, "client-key"),
        user.hasNonNull("tokenFile")
            ? Content.of(path(user.get("tokenFile")))
            : text(user.path("token").asText()),
        cluster.path("insecure-skip-tls-verify").asBoolean(),
        proxy.isEmpty() ? Access.proxyOf(server, environment) : Access.uri(proxy));
  }

  private JsonNode named(String kind, String name) throws IOException {
    for (var one : config.path(kind + "s")) {
      if (one.path("name").asText().equals(name) && !name.isEmpty()) {
        return one.path(kind);
      }
    }
    throw new IOException(
        "%s: there is no %s \"%s\"; kubectl config view shows what there is"
            .formatted(file, kind, name));
  }

  private JsonNode known(String kind, String name, Set<String> fields) throws IOException {
    var found = named(kind, name);
    for (var field : found.properties()) {
      if (!fields.contains(field.getKey())) {
        throw new IOException(
            "%s: %s \"%s\" has %s, which an agent cannot use: give it %s"
                .formatted(
                    file,
                    kind,
                    name,
                    field.getKey(),
                    kind.equals("user")
                        ? "a token, a tokenFile, or a client-certificate and its client-key"
                        : "a server and its certificate-authority"));
      }
    }
    return found;
  }

  private Content content(JsonNode of, String name) throws IOException {
    var data = of.path(name + "-data").asText();
    if (data.isEmpty()) {
      return of.hasNonNull(name) ? Content.of(path(of.get(name))) : Content.NONE;
    }
    try {
      return text(new String(Base64.getMimeDecoder().decode(data), StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) {
      throw new IOException("%s: %s-data is no Base64".formatted(file, name), e);
    }
  }

  private static Content text(String text) {
    return () -> text.isEmpty() ? null : text;
  }

  /** Relative to the kubeconfig, as kubectl takes them. */
  private Path path(JsonNode name) {
    return file.toAbsolutePath().resolveSibling(name.asText());
  }
}
