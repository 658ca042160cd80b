package dev.virtualip.e2e.lab;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.ContainerStateWaiting;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One pod's life on a lab node, on a thread of its own. */
final class PodRun {
  private static final Logger log = LoggerFactory.getLogger(PodRun.class);
  private static final Duration PERIOD = Duration.ofMillis(50);
  private static final Duration PROBE_PERIOD = Duration.ofSeconds(1);
  private static final Duration PULL_PERIOD = Duration.ofSeconds(10);
  private static final Duration DEFAULT_GRACE = Duration.ofSeconds(30);

  /** A container and its state; written by the pod's thread, read by others. */
  private static final class Run {
    final Container container;
    volatile Proc proc;
    String startedAt = "";
    boolean ready;
    int restarts;
    long startedNanos;
    long probedNanos = System.nanoTime() - PROBE_PERIOD.toNanos();

    Run(Container container) {
      this.container = container;
    }
  }

  private final LabNode node;
  private final Pod pod;
  private final ContainerCommand command;
  private final List<Run> runs;
  private final String createdAt = LabNode.now();
  private final SynchronousQueue<Duration> stops = new SynchronousQueue<>();
  private final Thread thread;
  private volatile boolean closed;
  private PodStatus reported;

  private PodRun(LabNode node, Pod pod, Consumer<String> ended) {
    this.node = node;
    this.pod = pod;
    this.command = new ContainerCommand(node, pod);
    this.runs = pod.getSpec().getContainers().stream().map(Run::new).toList();
    this.thread =
        Thread.ofVirtual()
            .name("pod-" + pod.getMetadata().getName())
            .unstarted(
                () -> {
                  try {
                    live();
                  } catch (RuntimeException e) {
                    if (closed) {
                      return;
                    }
                    log.error("pod={} failed", pod.getMetadata().getName(), e);
                  } finally {
                    ended.accept(pod.getMetadata().getUid());
                  }
                });
  }

  /**
   * Starts the pod.
   *
   * @param ended gets the pod's UID when its last program has ended
   */
  static PodRun start(LabNode node, Pod pod, Consumer<String> ended) {
    PodRun run = new PodRun(node, pod, ended);
    run.thread.start();
    return run;
  }

  /** The running program of the container whose image's name contains {@code program}. */
  Optional<Proc> proc(String program) {
    return runs.stream()
        .filter(run -> run.container.getImage().contains(program))
        .map(run -> run.proc)
        .filter(proc -> proc != null && proc.alive())
        .findFirst();
  }

  /** SIGTERM, SIGKILL after the grace period, then the Pod object is removed. */
  void stop(Long graceSeconds) {
    Duration grace = graceSeconds == null ? DEFAULT_GRACE : Duration.ofSeconds(graceSeconds);
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                stops.offer(grace, 60, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
  }

  /** Ends the programs at once and reports nothing. */
  void close() {
    closed = true;
    thread.interrupt();
    runs.stream().map(run -> run.proc).filter(proc -> proc != null).forEach(Proc::kill);
  }

  private void live() {
    try {
      Duration grace = null;
      while (grace == null) {
        try {
          node.inKubelet(this::round);
        } catch (KubernetesClientException e) {
          // The pod object is gone, or the API server is away. The programs run on, and the next
          // round tries again.
          log.debug("pod={} message={}", pod.getMetadata().getName(), e.getMessage());
        }
        grace = stops.poll(PERIOD.toMillis(), TimeUnit.MILLISECONDS);
      }
      for (Run run : runs) {
        if (run.proc != null) {
          run.proc.stop(grace);
        }
      }
      removeObject();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void round(boolean kubeletRuns) {
    if (kubeletRuns) {
      runs.forEach(this::keepRunning);
      report(status());
    } else if (reported != null) {
      report(notReady());
    }
  }

  /** Restarts at once, as a kubelet does the first time, but not in a tight loop. */
  private void keepRunning(Run run) {
    boolean first = run.proc == null;
    long now = System.nanoTime();
    if (first || !run.proc.alive()) {
      run.ready = false;
      boolean tooSoon = !first && now - run.startedNanos < PROBE_PERIOD.toNanos();
      var image = run.container.getImage();
      if (closed || tooSoon || node.holds(image) || !node.hasProgram(image)) {
        return;
      }
      run.restarts += first ? 0 : 1;
      run.startedAt = LabNode.now();
      run.startedNanos = now;
      run.proc = command.start(run.container);
    }
    Duration period = run.ready ? PROBE_PERIOD : PROBE_PERIOD.dividedBy(4);
    if (now - run.probedNanos >= period.toNanos()) {
      run.probedNanos = now;
      run.ready = probe(run.container.getReadinessProbe());
    }
  }

  private boolean probe(Probe probe) {
    HTTPGetAction get = probe == null ? null : probe.getHttpGet();
    if (get == null) {
      return true;
    }
    String host = get.getHost() == null ? node.internalIp() : get.getHost();
    int port =
        get.getPort().getIntVal() != null
            ? get.getPort().getIntVal()
            : namedPort(get.getPort().getStrVal());
    String url =
        "http://%s:%d%s".formatted(host, port, get.getPath() == null ? "/" : get.getPath());
    return node.host().succeeds("curl", "-sf", "-o", "/dev/null", "--max-time", "1", url);
  }

  private int namedPort(String name) {
    return runs.stream()
        .flatMap(run -> run.container.getPorts().stream())
        .filter(port -> name.equals(port.getName()))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no container port is named " + name))
        .getContainerPort();
  }

  private void report(PodStatus status) {
    if (status.equals(reported)) {
      return;
    }
    KubernetesClient client = node.api().client();
    client
        .pods()
        .inNamespace(pod.getMetadata().getNamespace())
        .withName(pod.getMetadata().getName())
        .subresource("status")
        .patch(
            PatchContext.of(PatchType.JSON_MERGE),
            "{\"status\": " + client.getKubernetesSerialization().asJson(status) + "}");
    reported = status;
  }

  private PodStatus status() {
    boolean ready = runs.stream().allMatch(run -> run.ready);
    var status =
        new PodStatusBuilder()
            .withPhase("Running")
            .withHostIP(node.internalIp())
            .withPodIP(node.internalIp())
            .addNewPodIP(node.internalIp())
            .withStartTime(createdAt);
    for (String type : List.of("Initialized", "PodScheduled")) {
      status.addNewCondition().withType(type).withStatus("True").endCondition();
    }
    for (String type : List.of("ContainersReady", "Ready")) {
      status
          .addNewCondition()
          .withType(type)
          .withStatus(ready ? "True" : "False")
          .withLastTransitionTime(ready ? LabNode.now() : createdAt)
          .endCondition();
    }
    if (reported != null && ready == isReady(reported)) {
      status.withConditions(reported.getConditions());
    }
    runs.forEach(run -> status.addToContainerStatuses(containerStatus(run).build()));
    return status.build();
  }

  /**
   * As the node controller calls it when no kubelet is heard of: its containers are as they were.
   */
  private PodStatus notReady() {
    return new PodStatusBuilder(reported)
        .editMatchingCondition(condition -> condition.getType().equals("Ready"))
        .withStatus("False")
        .endCondition()
        .build();
  }

  private ContainerStatusBuilder containerStatus(Run run) {
    var status =
        new ContainerStatusBuilder()
            .withName(run.container.getName())
            .withImage(run.container.getImage())
            .withImageID("")
            .withReady(run.ready)
            .withRestartCount(run.restarts)
            .withStarted(run.proc != null && run.proc.alive());
    return run.proc != null && run.proc.alive()
        ? status
            .withContainerID("lab://" + run.proc.pid())
            .withNewState()
            .withNewRunning(run.startedAt)
            .endState()
        : status.withState(waiting(run));
  }

  /** The waiting state of a kubelet: for an image that it can't pull, two reasons in turn. */
  private ContainerState waiting(Run run) {
    var image = run.container.getImage();
    boolean pulls = System.nanoTime() / PULL_PERIOD.toNanos() % 2 == 0;
    var waiting =
        node.hasProgram(image)
            ? new ContainerStateWaiting("it ended and is not restarted yet", "CrashLoopBackOff")
            : pulls
                ? new ContainerStateWaiting("no program stands for image " + image, "ErrImagePull")
                : new ContainerStateWaiting("Back-off pulling " + image, "ImagePullBackOff");
    return new ContainerStateBuilder().withWaiting(waiting).build();
  }

  private static boolean isReady(PodStatus status) {
    return status.getConditions().stream()
        .anyMatch(c -> c.getType().equals("Ready") && c.getStatus().equals("True"));
  }

  /** Removes only the pod with this UID: its name may already belong to another pod. */
  private void removeObject() {
    var objects = node.api().client().pods().inNamespace(pod.getMetadata().getNamespace());
    Pod current = objects.withName(pod.getMetadata().getName()).get();
    if (current != null && current.getMetadata().getUid().equals(pod.getMetadata().getUid())) {
      objects.withName(pod.getMetadata().getName()).withGracePeriod(0).delete();
    }
  }
}
