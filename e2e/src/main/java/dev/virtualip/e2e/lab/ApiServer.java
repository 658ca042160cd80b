package dev.virtualip.e2e.lab;

import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A Kubernetes API server on the lab's control host. */
public sealed interface ApiServer extends AutoCloseable permits RealApiServer, EmbeddedApiServer {
  /** Port that all kinds listen on. */
  int PORT = 6443;

  /**
   * Starts the real API server, from the programs in the folder {@code KUBEBUILDER_ASSETS}, or else
   * the embedded one.
   *
   * @param address of the control host, reachable from the nodes; 127.0.0.1 where there are none
   */
  static ApiServer start(Lab lab, String address) {
    return realAvailable() ? real(lab, address) : embedded(lab, address);
  }

  /** Whether {@code KUBEBUILDER_ASSETS} names a folder with etcd and kube-apiserver. */
  static boolean realAvailable() {
    return RealApiServer.available(System.getenv("KUBEBUILDER_ASSETS"));
  }

  /** Starts the real one. */
  static ApiServer real(Lab lab, String address) {
    return real(lab, address, List.of());
  }

  private static ApiServer real(Lab lab, String address, List<String> kubelets) {
    var assets = Path.of(System.getenv("KUBEBUILDER_ASSETS"));
    return closedWith(lab, RealApiServer.start(lab, assets, address, kubelets));
  }

  /** Starts the real one with its controllers, for {@link KubeletNode}s of these names. */
  static ApiServer forKubelets(Lab lab, String address, List<String> nodes) {
    return real(lab, address, nodes);
  }

  /** Starts the embedded one. */
  static ApiServer embedded(Lab lab, String address) {
    return closedWith(lab, EmbeddedApiServer.start(lab, address));
  }

  private static ApiServer closedWith(Lab lab, ApiServer server) {
    lab.onClose(server::close);
    return server;
  }

  /** Its kind and version, in words. */
  String kind();

  /**
   * Whether it is a real one, which enforces schema, CEL (from 1.25) and RBAC, and supports
   * server-side apply.
   */
  boolean real();

  /** A client with all rights and without retries. Closed with the server. */
  KubernetesClient client();

  /** A kubeconfig with all rights. */
  Path kubeconfig();

  /** Environment by which a pod's program finds this server. */
  Map<String, String> podEnvironment();

  /** The certificate authority that pods are given, PEM. */
  String certificateAuthority();

  /** A token of a service account, which must exist. */
  String token(String namespace, String serviceAccount);

  /**
   * Runs the real kubectl with all rights and returns what it prints.
   *
   * @throws IllegalStateException when it fails, or when this is not a real API server
   */
  String kubectl(String... arguments);

  /** Waits until a CRD is served. {@code kubectl wait} fails while it has no conditions at all. */
  default void awaitEstablished(String crd) {
    Await.until(
        crd + " has conditions",
        Duration.ofSeconds(60),
        () -> kubectl("get", "crd/" + crd, "-o", "jsonpath={.status.conditions}"),
        conditions -> conditions.contains("Established"));
    kubectl("wait", "--for=condition=Established", "crd/" + crd);
  }

  /** Ends the server, as a crash does; its objects stay. */
  void down();

  /** Undoes {@link #down}; returns when it answers. */
  void up();

  /** Installs the project's CRDs; returns when VirtualIPs and their pools can be created. */
  default void installCrd() {
    Map.of("virtualips", "VirtualIP", "virtualippools", "VirtualIPPool")
        .forEach(
            (plural, kind) -> {
              Path file = Lab.root().resolve("crds/" + plural + ".virtualip.dev.yaml");
              try (var yaml = Files.newInputStream(file)) {
                CustomResourceDefinition crd =
                    client().apiextensions().v1().customResourceDefinitions().load(yaml).item();
                client().resource(crd).create();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
              Await.until(
                  kind + "s are served",
                  Duration.ofSeconds(10),
                  () ->
                      client()
                              .genericKubernetesResources("virtualip.dev/v1alpha1", kind)
                              .list()
                              .getItems()
                          != null);
            });
  }

  /** Ends the server, and with the lab at the latest. May be called again. */
  @Override
  void close();
}
