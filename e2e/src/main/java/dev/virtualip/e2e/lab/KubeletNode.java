package dev.virtualip.e2e.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A node as in production: kubelet, containerd and runc on a host, by {@code e2e/src/lab/node}. Its
 * pods run images that were imported with {@code ctr}. Unlike a {@link LabNode} it shares only
 * kernel and hardware with the others.
 */
public final class KubeletNode implements AutoCloseable {
  /** The host's NICs, all of which a power cut takes off the network. */
  private static final List<String> NICS = List.of("eth0", "eth1");

  private static final Duration READY_WITHIN = Duration.ofSeconds(120);

  private final ApiServer api;
  private final Host host;
  private final Path sandbox;
  private final Map<String, String> environment;
  private final Path folder;
  private Proc init;

  private KubeletNode(ApiServer api, Host host, String address, String pods, Path sandbox) {
    this.api = api;
    this.host = host;
    this.sandbox = sandbox;
    folder = host.lab().work().resolve(host.name());
    environment =
        Map.of(
            "NAME", host.name(),
            "ADDRESS", address,
            "PODS", pods,
            "KUBELET", Path.of(System.getenv("KUBEBUILDER_ASSETS"), "kubelet").toString(),
            "CGROUP", System.getenv("VIRTUALIP_LAB_CGROUP"));
  }

  /** Why there can be no such node here and what to do, or an empty text when there can. */
  public static String missing() {
    var assets = System.getenv("KUBEBUILDER_ASSETS");
    for (var name :
        List.of(
            "etcd",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubelet",
            "kubectl")) {
      if (assets == null || !Files.isExecutable(Path.of(assets, name))) {
        return "no " + name + " in the folder that KUBEBUILDER_ASSETS names: put it there";
      }
    }
    if (Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))) {
      return "this machine has cgroups of version 2 only: boot with"
          + " systemd.unified_cgroup_hierarchy=0";
    }
    for (var program : List.of("containerd", "runc", "busybox", "nginx", "/usr/lib/cni/bridge")) {
      if (Shell.result(List.of("sh", "-c", "command -v " + program)).exit() != 0) {
        return "no " + program + ": run make node-packages";
      }
    }
    return "";
  }

  /**
   * Starts a node on a host with {@code eth0} and {@code eth1}; it may not be Ready yet.
   *
   * @param api made by {@link ApiServer#forKubelets} with this host's name
   * @param address of the host on the network that it shares with the API server
   * @param pods subnet of pods that are not on the host's network
   * @param sandbox archive of the image {@code localhost/lab:1}
   */
  public static KubeletNode start(
      ApiServer api, Host host, String address, String pods, Path sandbox) {
    var node = new KubeletNode(api, host, address, pods, sandbox);
    try {
      Files.createDirectories(node.folder);
      Files.copy(((RealApiServer) api).kubeconfig(host.name()), node.folder.resolve("kubeconfig"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    node.boot();
    return node;
  }

  private void boot() {
    var words =
        new ArrayList<>(
            List.of("nsenter", "--net=" + host.namespace(), "unshare", "--mount", "--uts"));
    words.addAll(List.of("--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"));
    words.addAll(List.of("--propagation", "private"));
    words.add(Lab.root().resolve("e2e/src/lab/node").toString());
    words.add(folder.toString());
    words.add(sandbox.toString());
    init = host.startOutside("node", environment, words.toArray(String[]::new));
  }

  public String name() {
    return host.name();
  }

  /** Its host, for its network. */
  public Host host() {
    return host;
  }

  /** Waits until its kubelet has said for the first time that it is Ready. */
  public void awaitReady() {
    Await.until(
        name() + " is Ready",
        READY_WITHIN,
        () ->
            init.alive()
                ? api.kubectl(
                    "get",
                    "node",
                    name(),
                    "-o",
                    "jsonpath={.status.conditions[?(@.type=='Ready')].status}")
                : "ended: " + init.output(),
        "True"::equals);
  }

  /**
   * Runs a command in the node's namespaces and returns what it prints.
   *
   * @throws IllegalStateException when its exit code is not 0
   */
  public String run(String... command) {
    return Shell.run(
        Stream.of(enter(), List.of("--"), List.of(command)).flatMap(List::stream).toList());
  }

  /** The start of a command that runs in the node's namespaces, until the next {@link #start}. */
  public List<String> enter() {
    return List.of("nsenter", "-t", Long.toString(init.container()), "-m", "-u", "-i", "-n", "-p");
  }

  /** Runs containerd's {@code ctr} for what the kubelet has made. */
  public String ctr(String... arguments) {
    return run(
        Stream.concat(Stream.of("ctr", "-n", "k8s.io"), Stream.of(arguments))
            .toArray(String[]::new));
  }

  /** Sends a signal to the kubelet alone, such as STOP and CONT. */
  public void signalKubelet(String signal) {
    try {
      run("kill", "-s", signal, Files.readString(folder.resolve("kubelet.pid")).strip());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A power cut: all its processes end by SIGKILL, and nothing leaves its NICs any more. */
  public void kill() {
    NICS.forEach(host::cut);
    init.kill();
  }

  /** Undoes {@link #kill}; what is on its disk is still there. */
  public void start() {
    NICS.forEach(host::mend);
    boot();
  }

  @Override
  public void close() {
    init.close();
  }
}
