package dev.virtualip.vip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.EnableKubernetesMockClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@EnableKubernetesMockClient(crud = true, https = false)
class BundleTest {
  @TempDir Path folder;

  KubernetesClient client;

  private static String tar(String... args) throws IOException {
    var command = new ArrayList<>(List.of("tar"));
    command.addAll(List.of(args));
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  @Test
  void aBundleIsATarThatTarReads() throws IOException {
    StandIn.create(client);
    var file = folder.resolve("b.tar.gz");
    var kubeconfig = StandIn.kubeconfig(client.getMasterUrl().toString(), folder).toString();
    var run = Run.of("bundle", "-f", file.toString(), "--kubeconfig", kubeconfig);
    assertEquals(new Run(0, file + ": look at it before you send it\n", ""), run);
    assertEquals(
        """
        version.txt
        virtualips.yaml
        virtualippools.yaml
        nodes.yaml
        pods.yaml
        daemonsets.yaml
        deployments.yaml
        leases.yaml
        hand-overs.yaml
        events.yaml
        events-virtualip-system.yaml
        why/web.txt
        logs/virtualip-agent-node-a.log
        logs/virtualip-agent-node-b.log
        """,
        tar("tzf", file.toString()));
    assertTrue(
        tar("xzOf", file.toString(), "why/web.txt").contains("if node-a failed now, node-b would"));
    assertTrue(tar("xzOf", file.toString(), "virtualips.yaml").contains("kind: \"VirtualIP\"\n"));
  }

  @Test
  void nothingIsOverwritten() throws IOException {
    var file = Files.createFile(folder.resolve("b.tar.gz"));
    assertEquals(
        new Run(
            1,
            "",
            "kubectl-vip: %s is there already: remove it, or name another --file\n"
                .formatted(file)),
        Run.of("bundle", "-f", file.toString()));
  }
}
