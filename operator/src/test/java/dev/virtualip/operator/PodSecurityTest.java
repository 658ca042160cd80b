package dev.virtualip.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.operator.decide.AgentDaemonSet;
import dev.virtualip.operator.decide.Settings;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * What the pods ask for beyond the Pod Security levels {@code baseline} and {@code restricted}, by
 * the rules of kubernetes.io/docs/concepts/security/pod-security-standards.
 */
class PodSecurityTest {
  private static final Set<String> BASELINE_CAPABILITIES =
      Set.of(
          "AUDIT_WRITE",
          "CHOWN",
          "DAC_OVERRIDE",
          "FOWNER",
          "FSETID",
          "KILL",
          "MKNOD",
          "NET_BIND_SERVICE",
          "SETFCAP",
          "SETGID",
          "SETPCAP",
          "SETUID",
          "SYS_CHROOT");

  @Test
  void theAgentIsBaselineButForHostNetworkAndTwoCapabilities() {
    var settings =
        new Settings("vips", "registry/agent:1", null, false, false, null, false, List.of(), false);
    var agents = AgentDaemonSet.desired(settings, List.of("a"));
    assertEquals(
        List.of("host namespaces", "capability NET_ADMIN", "capability NET_RAW"),
        beyondBaseline(agents.getSpec().getTemplate().getSpec()));
  }

  @Test
  void theOperatorIsRestricted() throws IOException {
    var yaml = Files.readString(Path.of("../deploy/base/operator.yaml"));
    var operator =
        Serialization.unmarshal(yaml, Deployment.class).getSpec().getTemplate().getSpec();
    assertEquals(List.of(), beyondBaseline(operator));
    assertEquals(true, operator.getSecurityContext().getRunAsNonRoot());
    for (var container : operator.getContainers()) {
      assertEquals(false, container.getSecurityContext().getAllowPrivilegeEscalation());
      assertEquals(List.of("ALL"), container.getSecurityContext().getCapabilities().getDrop());
    }
    assertEquals(
        true, operator.getVolumes().stream().map(Volume::getEmptyDir).allMatch(Objects::nonNull));
  }

  private static List<String> beyondBaseline(PodSpec pod) {
    var beyond = new ArrayList<String>();
    if (is(pod.getHostNetwork()) || is(pod.getHostPID()) || is(pod.getHostIPC())) {
      beyond.add("host namespaces");
    }
    pod.getVolumes().stream()
        .filter(volume -> volume.getHostPath() != null)
        .forEach(volume -> beyond.add("hostPath " + volume.getName()));
    var context = pod.getSecurityContext();
    if (context != null
        && (context.getSeLinuxOptions() != null || !context.getSysctls().isEmpty())) {
      beyond.add("SELinux or sysctls");
    }
    pod.getContainers().forEach(container -> beyondBaseline(container, beyond));
    boolean confined =
        pod.getContainers().stream()
            .map(
                c ->
                    c.getSecurityContext().getSeccompProfile() == null
                        ? context.getSeccompProfile()
                        : c.getSecurityContext().getSeccompProfile())
            .allMatch(profile -> profile != null && profile.getType().equals("RuntimeDefault"));
    if (!confined) {
      beyond.add("seccomp");
    }
    return beyond;
  }

  private static void beyondBaseline(Container container, List<String> beyond) {
    var context = container.getSecurityContext();
    if (is(context.getPrivileged()) || context.getProcMount() != null) {
      beyond.add("privileged or procMount");
    }
    context.getCapabilities().getAdd().stream()
        .filter(capability -> !BASELINE_CAPABILITIES.contains(capability))
        .forEach(capability -> beyond.add("capability " + capability));
    container.getPorts().stream()
        .map(ContainerPort::getHostPort)
        .filter(Objects::nonNull)
        .forEach(port -> beyond.add("hostPort " + port));
  }

  private static boolean is(Boolean value) {
    return Boolean.TRUE.equals(value);
  }
}
