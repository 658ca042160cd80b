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
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

/**
 * The {@link ClassicPair} with a control plane and two {@link KubeletNode}s; pods of a DaemonSet
 * run nginx. Nothing of the project is there yet, its images neither. {@code make nodes} brings it
 * up and leaves it so until Ctrl-C.
 */
public final class RealNodes implements AutoCloseable {
  private static final Path PROGRAMS = Path.of("/run/lab/bin");
  private static final Duration SOON = Duration.ofSeconds(120);
  private static final Duration TYPED_WITHIN = Duration.ofMinutes(5);

  private final Host control;
  private final ClassicPair pair;
  private final ApiServer api;
  private final List<KubeletNode> nodes = new ArrayList<>();

  private RealNodes(Lab lab) {
    control = lab.control();
    pair = ClassicPair.build(lab);
    // Pods run it.
    pair.close();
    api = ApiServer.forKubelets(lab, ClassicPair.CONTROL, List.of("node-a", "node-b"));
  }

  /** Why it cannot be brought up here and what to do, or an empty text when it can. */
  public static String missing() {
    var images =
        Stream.of("virtualip-operator", "virtualip-agent")
            .map(name -> Lab.root().resolve("target/images/" + name + ".tar"));
    return images.allMatch(Files::exists)
        ? KubeletNode.missing()
        : "no images: run make images first";
  }

  /** Brings it up; returns when both nodes are Ready. nginx may not serve yet. */
  public static RealNodes start(Lab lab) {
    var nodes = new RealNodes(lab);
    var sandbox = lab.work().resolve("pod-image.tar");
    lab.control().run(script("pod-image"), sandbox.toString());
    nodes.join(nodes.pair.nodeA(), nodes.pair.nodeB(), 11, sandbox);
    nodes.join(nodes.pair.nodeB(), nodes.pair.nodeA(), 12, sandbox);
    nodes.nodes.forEach(KubeletNode::awaitReady);
    nodes.api.kubectl("label", "node", "--all", "edge=true");
    nodes.api.kubectl("apply", "-f", script("ingress-nginx.yaml"));
    nodes.writePrograms();
    return nodes;
  }

  private static String script(String name) {
    return Lab.root().resolve("e2e/src/lab/" + name).toString();
  }

  /** A node has 10.0.0.N, and its pods 10.244.N.0/24, which the others find there. */
  private void join(Host host, Host other, int number, Path sandbox) {
    var address = "10.0.0." + number;
    var pods = "10.244." + number + ".0/24";
    for (var from : List.of(control, other)) {
      from.route(pods + " via " + address);
    }
    host.forward().route("10.96.0.0/16 via " + ClassicPair.CONTROL);
    nodes.add(KubeletNode.start(api, host, address, pods, sandbox));
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

  /**
   * Runs commands of a page in the project's folder, as an administrator does who has a kubectl.
   *
   * @return what they print, each command before its output
   * @throws AssertionError with that when one fails, or after five minutes
   */
  public String type(String commands) {
    return typed(List.of(), commands);
  }

  /** The same on a node. */
  public String typeOn(KubeletNode node, String commands) {
    return typed(shellOn(node), commands);
  }

  private String typed(List<String> enter, String commands) {
    var words = new ArrayList<>(List.of("env", "-C", Lab.root().toString()));
    words.addAll(enter);
    words.addAll(List.of("bash", "-euxc", commands));
    var path = PROGRAMS + ":" + System.getenv("PATH");
    var shell = control.start("page", Map.of("PATH", path), words.toArray(String[]::new));
    if (shell.awaitExit(TYPED_WITHIN) != 0) {
      throw new AssertionError(shell.output());
    }
    return shell.output();
  }

  private static List<String> shellOn(KubeletNode node) {
    return Stream.concat(node.enter().stream(), Stream.of("--wdns=" + Lab.root(), "--")).toList();
  }

  /** What somebody at a keyboard needs: kubectl, and each node's name as a command, like ssh. */
  private void writePrograms() {
    writeProgram(
        "kubectl",
        """
        #!/bin/bash
        # For those of 1.20: they render no components, and refuse fields that they do not know.
        set -euo pipefail
        kubectl() { %s/kubectl "$@"; }
        # By the environment, for plugins.
        export KUBECONFIG=%s
        validate=
        [ "${1:-}" != apply ] || validate=--validate=false
        if [ "${2:-}" = -k ]; then
          PATH=${PATH#%s:} %s "$3" | kubectl "$1" $validate -f - "${@:4}"
        else
          kubectl "${@:1:1}" $validate "${@:2}"
        fi
        """
            .formatted(
                System.getenv("KUBEBUILDER_ASSETS"),
                api.kubeconfig(),
                PROGRAMS,
                Lab.root().resolve("deploy/launcher/kustomize")));
    writeProgram(
        "kubectl-vip",
        "#!/bin/sh\nKUBECONFIG=%s exec %s \"$@\"\n"
            .formatted(api.kubeconfig(), Lab.root().resolve("kubectl-vip/target/kubectl-vip")));
    nodes.forEach(
        node ->
            writeProgram(
                node.name(),
                "#!/bin/sh\n[ $# -gt 0 ] || set -- bash\nexec %s \"$@\"\n"
                    .formatted(String.join(" ", shellOn(node)))));
  }

  private static void writeProgram(String name, String text) {
    try {
      Files.createDirectories(PROGRAMS);
      var file = PROGRAMS.resolve(name);
      Files.writeString(file, text);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Brings it up and tells how to use it. */
  public static void main(String[] args) throws InterruptedException {
    var missing = Lab.available() ? missing() : "it makes namespaces: run it as root";
    if (!missing.isEmpty()) {
      System.err.println("nodes: " + missing);
      System.exit(1);
    }
    var nodes = start(Lab.open());
    nodes.pair.nodes().forEach(nodes::awaitNginx);
    System.out.println(nodes.api.kubectl("get", "nodes", "-o", "wide"));
    System.out.print(
        """
        From another terminal, as root, in this folder:

          in_lab() { nsenter -t "$(pgrep -nf e2e.RealNodes)" -m -n -p --wdns="$PWD" env PATH="%s:$PATH" "$@"; }
          in_lab bash                                      # here kubectl is the administrator's
          in_lab node-a                                    # a shell on node-a; likewise node-b
          in_lab ip netns exec client curl http://%s/      # as a client; sample 01 has this address

        Ctrl-C ends all of it.
        """
            .formatted(PROGRAMS, ClassicPair.VIP));
    new CountDownLatch(1).await();
  }
}
