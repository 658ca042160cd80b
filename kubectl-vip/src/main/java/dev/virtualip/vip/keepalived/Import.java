package dev.virtualip.vip.keepalived;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The translation of keepalived's configurations of one host or several.
 *
 * @param manifests the VirtualIPs, all of them valid
 * @param passwords the passwords of VRRPv2 and the keys of signed adverts, by the names of the
 *     VirtualIPs
 * @param report what became of each directive
 */
public record Import(List<Manifest> manifests, Map<String, String> passwords, Report report) {
  /** Name of the Secret with the passwords. */
  public static final String SECRET = "vip-auth";

  private static final String NAMESPACE = "virtualip-system";

  /**
   * A host with keepalived.
   *
   * @param node name that the node has; empty if it is the only host, and its name does not matter
   * @param file its configuration
   * @param configId what its lines with {@code @} are compared to
   * @param address its own address in unicast, or null if the file tells
   */
  public record Host(String node, Path file, String configId, String address) {}

  /**
   * Imports the configurations of hosts that are one another's backups.
   *
   * @param root folder that stands for / in absolute paths of the files, or null
   * @param join whether it is for other nodes, which join the hosts as their lowest backups
   * @throws SyntaxException if one of them cannot be read
   */
  public static Import of(List<Host> hosts, Path root, boolean join) throws SyntaxException {
    var report = new Report();
    var configurations = new ArrayList<Configuration>();
    for (var host : hosts) {
      configurations.add(Configuration.read(host.file(), host.configId(), root));
    }
    var routers = new LinkedHashMap<String, List<Router>>();
    var addresses = new LinkedHashMap<String, String>();
    for (int i = 0; i < hosts.size(); i++) {
      var host = hosts.get(i);
      var folder = host.file().toAbsolutePath().getParent();
      var files = new ScriptFiles(folder, new Includes(root, false));
      routers.put(host.node(), HostTranslation.translate(configurations.get(i), files, report));
      if (host.address() != null) {
        addresses.put(host.node(), host.address());
      }
    }
    return finish(Merge.merge(routers, addresses, join, report), configurations, report);
  }

  /** Imports a configuration that was read already, as that of the only host. */
  static Import of(Configuration configuration, ScriptFiles files) {
    var report = new Report();
    var routers = HostTranslation.translate(configuration, files, report);
    var merged = Merge.merge(Map.of("", routers), Map.of(), false, report);
    return finish(merged, List.of(configuration), report);
  }

  private static Import finish(
      List<Router> routers, List<Configuration> configurations, Report report) {
    var names = new Names();
    var manifests = new ArrayList<Manifest>();
    for (var router : routers) {
      var name = names.unique(router.name());
      if (router.password() != null) {
        router
            .spec()
            .in("authentication", router.password())
            .in("passwordSecretRef", router.password())
            .put("name", SECRET, null)
            .put("key", name, null);
      }
      if (router.signed() != null) {
        signed(router, name);
      }
      manifests.add(new Manifest(name, router));
    }
    var left = Repair.repair(manifests, report);
    report.complete(configurations);
    var passwords = new LinkedHashMap<String, String>();
    for (var manifest : left) {
      var secret = secret(manifest.router());
      if (secret != null) {
        passwords.put(manifest.name(), secret);
      }
    }
    return new Import(left, passwords, report);
  }

  /** The Secret comes before the mode. */
  private static void signed(Router router, String name) {
    var block = router.signed().block();
    var hmac = router.spec().in("authentication", block).in("hmac", block);
    var mode = hmac.values().remove("mode");
    hmac.in("keysSecretRef", block).put("name", SECRET, null).put("key", name, null);
    if (mode != null) {
      hmac.values().put("mode", mode);
    }
  }

  /** What the Secret has for a router; null if there is nothing. */
  private static String secret(Router router) {
    if (router.spec().get("authentication") == null) {
      return null;
    }
    if (router.signed() == null) {
      return Merge.password(router);
    }
    return router.signed().keys().isEmpty() ? null : router.signed().text();
  }

  /** The Secret with the passwords as a manifest. */
  public String secret() {
    var secret = new Fields().put("apiVersion", "v1", null).put("kind", "Secret", null);
    secret.in("metadata", null).put("name", SECRET, null).put("namespace", NAMESPACE, null);
    var data = secret.in("stringData", null);
    passwords.forEach((name, password) -> data.put(name, password, null));
    return Yaml.write(secret);
  }
}
