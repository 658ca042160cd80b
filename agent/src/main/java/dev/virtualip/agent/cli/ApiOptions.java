package dev.virtualip.agent.cli;

import dev.virtualip.agent.kube.Heartbeat.PodReference;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** How a node's program reaches the API server, and what it is there. */
public class ApiOptions {
  @Option(
      names = "--node",
      required = true,
      paramLabel = "NAME",
      description = "Name of this node, as in its Node object.")
  private String node;

  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description = "How to reach the API server. Default: the pod's service account.")
  private Path kubeconfig;

  @Option(
      names = "--namespace",
      paramLabel = "NAME",
      description = "Namespace of Secrets and heartbeats. Default: ${DEFAULT-VALUE}")
  private String namespace = "virtualip-system";

  @Option(
      names = "--pod-name",
      paramLabel = "NAME",
      description =
          "Name of its own pod, with which its heartbeat's Lease goes away. Default: POD_NAME of the"
              + " environment.")
  private String podName = environment("POD_NAME");

  @Option(
      names = "--pod-uid",
      paramLabel = "UID",
      description = "UID of that pod. Default: POD_UID of the environment.")
  private String podUid = environment("POD_UID");

  /** Name of this node. */
  public String nodeName() {
    return node;
  }

  /** The kubeconfig, or null for the pod's service account. */
  public Path kubeconfig() {
    return kubeconfig;
  }

  /** virtualip's namespace. */
  public String namespace() {
    return namespace;
  }

  /** Its own pod, or null outside of one. */
  public PodReference pod() {
    return podUid.isEmpty() ? null : new PodReference(podName, podUid);
  }

  private static String environment(String name) {
    return System.getenv().getOrDefault(name, "");
  }
}
