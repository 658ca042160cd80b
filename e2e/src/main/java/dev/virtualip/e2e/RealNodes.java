package dev.virtualip.e2e;

import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.KubeletNode;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

/**
 * The {@link ClassicPair} with a control plane and two {@link KubeletNode}s that have the images of
 * {@code make images}; pods of a DaemonSet run nginx. Nothing of the project is installed yet.
 * {@code make nodes} brings it up and leaves it so until Ctrl-C.
 */
public final class RealNodes implements AutoCloseable {
  private static final Path KUBECTL = Path.of("/run/lab/kubectl");
  private static final Duration SOON = Duration.ofSeconds(120);

  /** Names of the images by which the pods of the project are started, as archives. */
  private static final List<String> IMAGES = List.of("virtualip-operator", "virtualip-agent");

  private final ClassicPair pair;
  private final ApiServer api;
  private final List<KubeletNode> nodes = new ArrayList<>();

  private RealNodes(Lab lab) {
    pair = ClassicPair.build(lab);
    // Pods run it.
    pair.close();
    api = ApiServer.forKubelets(lab, ClassicPair.CONTROL, List.of("node-a", "node-b"));
  }

  /** Why it cannot be brought up here and what to do, or an empty text when it can. */
  public static String missing() {
    var images = archives().filter(archive -> !Files.exists(archive)).toList();
    return images.isEmpty() ? KubeletNode.missing() : "no images: run make images first";
  }

  private static Stream<Path> archives() {
    return IMAGES.stream().map(name -> Lab.root().resolve("target/images/" + name + ".tar"));
  }

  /** Brings it up; returns when both nodes are Ready and nginx serves on both. */
  public static RealNodes start(Lab lab) {
    var nodes = new RealNodes(lab);
    var sandbox = lab.work().resolve("pod-image.tar");
    lab.control().run(script("pod-image"), sandbox.toString());
    var images = Stream.concat(Stream.of(sandbox), archives()).toList();
    nodes.join(lab.control(), nodes.pair.nodeA(), nodes.pair.nodeB(), 11, images);
    nodes.join(lab.control(), nodes.pair.nodeB(), nodes.pair.nodeA(), 12, images);
    nodes.nodes.forEach(KubeletNode::awaitReady);
    nodes.api.kubectl("label", "node", "--all", "edge=true");
    nodes.api.kubectl("apply", "-f", script("ingress-nginx.yaml"));
    nodes.pair.nodes().forEach(nodes::awaitNginx);
    return nodes;
  }

  private static String script(String name) {
    return Lab.root().resolve("e2e/src/lab/" + name).toString();
  }

  /** A node has 10.0.0.N, and its pods 10.244.N.0/24, which the others find there. */
  private void join(Host control, Host host, Host other, int number, List<Path> images) {
    var address = "10.0.0." + number;
    var pods = "10.244." + number + ".0/24";
    for (var from : List.of(control, other)) {
      from.route(pods + " via " + address);
    }
    host.forward().route("10.96.0.0/16 via " + ClassicPair.CONTROL);
    nodes.add(KubeletNode.start(api, host, address, pods, images));
  }

  /** Waits until a pod's nginx answers on a node. */
  public void awaitNginx(Host host) {
    Await.until(
        "nginx answers on " + host,
        SOON,
        () -> host.get("http://127.0.0.1/"),
        (host.name() + "\n")::equals);
  }

  public ApiServer api() {
    return api;
  }

  public ClassicPair pair() {
    return pair;
  }

  /** node-a and node-b. */
  public List<KubeletNode> nodes() {
    return List.copyOf(nodes);
  }

  /** A node by name. */
  public KubeletNode node(String name) {
    return nodes.stream().filter(node -> node.name().equals(name)).findFirst().orElseThrow();
  }

  @Override
  public void close() {
    nodes.forEach(KubeletNode::close);
    api.close();
  }

  /** Brings it up and tells how to use it. */
  public static void main(String[] args) throws InterruptedException {
    var missing = Lab.available() ? missing() : "it makes namespaces: run it as root";
    if (!missing.isEmpty()) {
      System.err.println("nodes: " + missing);
      System.exit(1);
    }
    var lab = Lab.open();
    var nodes = start(lab);
    nodes.writeKubectl();
    System.out.println(nodes.api.kubectl("get", "nodes", "-o", "wide"));
    System.out.print(
        """
        From another terminal, as root:

          in_lab() { nsenter -t "$(pgrep -nf e2e.RealNodes)" -m -n -p "$@"; }
          in_lab %s get pods -A
          in_lab ip netns exec client curl http://%s/

        Ctrl-C ends all of it.
        """
            .formatted(KUBECTL, ClassicPair.VIP));
    new CountDownLatch(1).await();
  }

  private void writeKubectl() {
    var text =
        "#!/bin/sh\nexec %s/kubectl --kubeconfig=%s \"$@\"\n"
            .formatted(System.getenv("KUBEBUILDER_ASSETS"), api.kubeconfig());
    try {
      Files.writeString(KUBECTL, text);
      Files.setPosixFilePermissions(KUBECTL, PosixFilePermissions.fromString("rwxr-xr-x"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
