package dev.virtualip.vip;

import com.fasterxml.jackson.databind.node.TextNode;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A CronJob that drills, with rights for that alone.
 *
 * @param vip name of the VirtualIP
 * @param schedule in the words of cron, in UTC
 * @param namespace that of operator and agents
 * @param image the operator's, which has this program too
 * @param arguments those of this program
 * @param podVerb what it does to the agents' pods, or null
 */
record DrillJob(
    String vip,
    String schedule,
    String namespace,
    String image,
    List<String> arguments,
    String podVerb) {
  /** The operator's image of this version. */
  static final String IMAGE = "ghcr.io/virtualip/virtualip-operator:0.1.0";

  private static final String TEMPLATE =
      """
      # By kubectl vip drill --schedule: rehearses a failover of %1$s, and writes what a client lost to its
      # status.lastDrill. A drill that is refused, or that cannot be undone, is a failed Job. It runs where
      # the scheduler puts it; what clients elsewhere lose is measured by a drill there.
      apiVersion: v1
      kind: ServiceAccount
      metadata:
        name: %2$s
        namespace: %3$s
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: ClusterRole
      metadata:
        name: %2$s
      rules:
        # All of them, as the members of a sync group move together.
        - apiGroups: [virtualip.dev]
          resources: [virtualips]
          verbs: [get, list, watch]
        - apiGroups: [virtualip.dev]
          resources: [virtualips, virtualips/status]
          resourceNames: [%4$s]
          verbs: [patch]
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: ClusterRoleBinding
      metadata:
        name: %2$s
      roleRef:
        apiGroup: rbac.authorization.k8s.io
        kind: ClusterRole
        name: %2$s
      subjects:
        - kind: ServiceAccount
          name: %2$s
          namespace: %3$s
      ---
      %5$sapiVersion: batch/v1
      kind: CronJob
      metadata:
        name: %2$s
        namespace: %3$s
      spec:
        schedule: %6$s
        concurrencyPolicy: Forbid
        startingDeadlineSeconds: 300
        jobTemplate:
          spec:
            # Once: a failover that has cost more than it should is not rehearsed again at once.
            backoffLimit: 0
            activeDeadlineSeconds: 600
            template:
              spec:
                serviceAccountName: %2$s
                restartPolicy: Never
                securityContext:
                  runAsNonRoot: true
                  seccompProfile: {type: RuntimeDefault}
                containers:
                  - name: drill
                    image: %7$s
                    command: [/opt/jre/bin/java, "@/opt/virtualip/java.args", -jar, /opt/virtualip/kubectl-vip.jar]
                    args: [%8$s]
                    securityContext:
                      allowPrivilegeEscalation: false
                      readOnlyRootFilesystem: true
                      capabilities: {drop: [ALL]}
                    resources:
                      requests: {cpu: 50m, memory: 128Mi}
                      limits: {memory: 256Mi}
      """;

  private static final String PODS =
      """
      apiVersion: rbac.authorization.k8s.io/v1
      kind: Role
      metadata:
        name: %1$s
        namespace: %2$s
      rules:
        - apiGroups: [""]
          resources: [pods]
          verbs: [list, %3$s]
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: RoleBinding
      metadata:
        name: %1$s
        namespace: %2$s
      roleRef:
        apiGroup: rbac.authorization.k8s.io
        kind: Role
        name: %1$s
      subjects:
        - kind: ServiceAccount
          name: %1$s
          namespace: %2$s
      ---
      """;

  /** The manifests, ready to be applied. */
  String yaml() {
    // The name of a CronJob has 52 characters at most.
    var drill = "drill-" + vip.substring(0, Math.min(vip.length(), 46)).replaceAll("[.-]+$", "");
    return TEMPLATE.formatted(
        vip,
        quoted(drill),
        quoted(namespace),
        quoted(vip),
        podVerb == null ? "" : PODS.formatted(quoted(drill), quoted(namespace), podVerb),
        TextNode.valueOf(schedule),
        quoted(image),
        arguments.stream().map(DrillJob::quoted).collect(Collectors.joining(", ")));
  }

  /** A word that is one in YAML too, else a JSON string, which is YAML as well. */
  private static String quoted(String text) {
    return text.matches(
                "(?!(?i)(true|false|yes|no|on|off|null|y|n)$)[A-Za-z][A-Za-z0-9./:_-]*[A-Za-z0-9]")
            || text.matches("--[a-z-]+")
        ? text
        : TextNode.valueOf(text).toString();
  }
}
