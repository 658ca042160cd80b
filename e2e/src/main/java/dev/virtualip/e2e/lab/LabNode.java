package dev.virtualip.e2e.lab;

import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Taint;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;

/**
 * A Kubernetes node without a kubelet: a host, its Node object, and the pods bound to it as
 * programs on that host. Containers get their arguments, environment, volumes, capabilities and
 * service account. A {@link Program.Image} runs in a container; for a {@link Program.Command}
 * users, limits and cgroups do not exist. Every pod is on the host network.
 */
public final class LabNode implements AutoCloseable {
  private final ApiServer api;
  private final Host host;
  private final String internalIp;
  private final Map<String, Program> programs;
  private final Map<String, PodRun> pods = new ConcurrentHashMap<>();
  private final Set<String> held = ConcurrentHashMap.newKeySet();
  private final ReadWriteLock kubelet = new ReentrantReadWriteLock();
  private boolean kubeletRuns = true;
  private SharedIndexInformer<Pod> informer;

  private LabNode(ApiServer api, Host host, String internalIp, Map<String, Program> programs) {
    this.api = api;
    this.host = host;
    this.internalIp = internalIp;
    this.programs = programs;
  }

  /**
   * Registers a host as a ready node, and starts all pods that get bound to it.
   *
   * @param internalIp the node's InternalIP, an address of the host
   * @param labels in addition to {@code kubernetes.io/hostname}
   * @param programs programs for images: the first one whose key the image's name contains. Without
   *     one a container waits as if its image could not be pulled
   */
  public static LabNode start(
      ApiServer api,
      Host host,
      String internalIp,
      Map<String, String> labels,
      Map<String, Program> programs) {
    return start(api, host, internalIp, labels, List.of(), programs);
  }

  /** Registers a host as a node of the control plane: only pods that tolerate this run there. */
  public static LabNode startControlPlane(
      ApiServer api, Host host, String internalIp, Map<String, Program> programs) {
    var taint = new Taint("NoSchedule", "node-role.kubernetes.io/control-plane", null, null);
    return start(api, host, internalIp, Map.of(), List.of(taint), programs);
  }

  private static LabNode start(
      ApiServer api,
      Host host,
      String internalIp,
      Map<String, String> labels,
      List<Taint> taints,
      Map<String, Program> programs) {
    LabNode node = new LabNode(api, host, internalIp, programs);
    node.register(labels, taints);
    host.lab().onClose(node::close);
    node.informer =
        api.client()
            .pods()
            .inAnyNamespace()
            .withField("spec.nodeName", host.name())
            .inform(node.new Handler());
    return node;
  }

  public String name() {
    return host.name();
  }

  public Host host() {
    return host;
  }

  /** The location of a path that pods see by a hostPath volume. */
  Path disk(String path) {
    return folder().resolve("disk" + path);
  }

  /**
   * The location of an emptyDir volume, which outlives the containers of its pod, as with a
   * kubelet.
   *
   * @param program part of the name of the image that a container of the pod runs
   */
  public Path emptyDir(String program, String volume) {
    return pods.entrySet().stream()
        .filter(pod -> pod.getValue().proc(program).isPresent())
        .map(pod -> folder().resolve(volumeOf(pod.getKey(), volume)))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no " + program + " runs on " + name()));
  }

  /** The location in {@link #folder} of a volume that belongs to one pod. */
  static String volumeOf(String podUid, String volume) {
    return "pods/" + podUid + "/" + volume;
  }

  /** All files of this node and its pods. */
  Path folder() {
    return host.lab().work().resolve(name());
  }

  String internalIp() {
    return internalIp;
  }

  ApiServer api() {
    return api;
  }

  /** The running program of the container whose image's name contains {@code program}. */
  public Proc proc(String program) {
    return pods.values().stream()
        .flatMap(pod -> pod.proc(program).stream())
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no " + program + " runs on " + name()));
  }

  /** Whether a container whose image's name contains {@code program} runs. */
  public boolean runs(String program) {
    return pods.values().stream().anyMatch(pod -> pod.proc(program).isPresent());
  }

  /** Once it ends, this program is not restarted until {@link #release}. */
  public void hold(String program) {
    held.add(program);
  }

  /** Undoes {@link #hold}. */
  public void release(String program) {
    held.remove(program);
  }

  boolean holds(String image) {
    return held.stream().anyMatch(image::contains);
  }

  /** Ends the kubelet: pods run on, and the node controller calls them and the node not ready. */
  public void killKubelet() {
    setKubeletRuns(false);
    setReady(false);
  }

  /** Undoes {@link #killKubelet}. */
  public void startKubelet() {
    setKubeletRuns(true);
    setReady(true);
  }

  private void setKubeletRuns(boolean runs) {
    kubelet.writeLock().lock();
    try {
      kubeletRuns = runs;
    } finally {
      kubelet.writeLock().unlock();
    }
  }

  /**
   * Does a round of the kubelet's work for a pod. The kubelet does not die within one: it would
   * still report what was done to the pod after its death.
   *
   * @param round is told whether the kubelet runs
   */
  void inKubelet(Consumer<Boolean> round) {
    kubelet.readLock().lock();
    try {
      round.accept(kubeletRuns);
    } finally {
      kubelet.readLock().unlock();
    }
  }

  /** Sets the Node's Ready condition, as the node controller does for a silent kubelet. */
  public void setReady(boolean ready) {
    String condition =
        """
        {"status": {"conditions": [{"type": "Ready", "status": "%s", "reason": "%s",
          "lastHeartbeatTime": "%s", "lastTransitionTime": "%s"}]}}
        """
            .formatted(
                ready ? "True" : "Unknown",
                ready ? "KubeletReady" : "NodeStatusUnknown",
                now(),
                now());
    api.client()
        .nodes()
        .withName(name())
        .subresource("status")
        .patch(PatchContext.of(PatchType.JSON_MERGE), condition);
  }

  /**
   * Whether there is a program for an image. An image without one counts as one that can't be
   * pulled.
   */
  boolean hasProgram(String image) {
    return programs.keySet().stream().anyMatch(image::contains);
  }

  /** The program for an image. */
  Program program(String image) {
    return programs.entrySet().stream()
        .filter(entry -> image.contains(entry.getKey()))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no program stands for image " + image));
  }

  static String now() {
    return Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /**
   * Ends the pods' programs at once, with the lab at the latest. Their objects stay as they are.
   */
  @Override
  public void close() {
    if (informer != null) {
      informer.close();
    }
    pods.values().forEach(PodRun::close);
  }

  private void register(Map<String, String> labels, List<Taint> taints) {
    Map<String, String> all = new HashMap<>(labels);
    all.put("kubernetes.io/hostname", name());
    all.put("kubernetes.io/os", "linux");
    Map<String, Quantity> capacity =
        Map.of(
            "cpu", new Quantity("8"),
            "memory", new Quantity("16Gi"),
            "pods", new Quantity("110"));
    Node node =
        new NodeBuilder()
            .withNewMetadata()
            .withName(name())
            .withLabels(all)
            .endMetadata()
            .withNewSpec()
            .withTaints(taints)
            .endSpec()
            .withNewStatus()
            .withCapacity(capacity)
            .withAllocatable(capacity)
            .addNewAddress(internalIp, "InternalIP")
            .addNewAddress(name(), "Hostname")
            .endStatus()
            .build();
    api.client().resource(node).create();
    setReady(true);
  }

  private final class Handler implements ResourceEventHandler<Pod> {
    @Override
    public void onAdd(Pod pod) {
      onUpdate(pod, pod);
    }

    @Override
    public void onUpdate(Pod before, Pod pod) {
      PodRun run =
          pods.computeIfAbsent(
              pod.getMetadata().getUid(), uid -> PodRun.start(LabNode.this, pod, pods::remove));
      if (pod.getMetadata().getDeletionTimestamp() != null) {
        run.stop(pod.getMetadata().getDeletionGracePeriodSeconds());
      }
    }

    @Override
    public void onDelete(Pod pod, boolean stateUnknown) {
      PodRun run = pods.get(pod.getMetadata().getUid());
      if (run != null) {
        run.stop(pod.getSpec().getTerminationGracePeriodSeconds());
      }
    }
  }
}
