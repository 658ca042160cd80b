package dev.virtualip.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ConnectException;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class OperatorMainTest {
  static Stream<Arguments> usageErrorsAreOneLine() {
    return Stream.of(
        Arguments.arguments("", "name a command: run; see virtualip-operator --help"),
        Arguments.arguments(
            "run --listen 9406",
            "Invalid value for option '--listen': \"9406\" is no address to listen on: write"
                + " HOST:PORT, as in 0.0.0.0:9406; see virtualip-operator run --help"),
        Arguments.arguments(
            "run --agent-resources 1Gi",
            "Invalid value for option '--agent-resources': \"1Gi\" is no JSON object: write it as in"
                + " {\"requests\":{\"cpu\":\"100m\"},\"limits\":{\"memory\":\"512Mi\"}}; see"
                + " virtualip-operator run --help"),
        Arguments.arguments(
            "run --agent-resources {\"limits\":{\"memory\":\"much\"}}",
            "Invalid value for option '--agent-resources': memory: \"much\" is no quantity: write it"
                + " as in {\"requests\":{\"cpu\":\"100m\"},\"limits\":{\"memory\":\"512Mi\"}}; see"
                + " virtualip-operator run --help"),
        Arguments.arguments(
            "run --agent-resources {\"limits\":{\"cpu\":1}}",
            "Invalid value for option '--agent-resources': limits.cpu throttles agents, and late"
                + " adverts move addresses: take it out; see virtualip-operator run --help"),
        Arguments.arguments(
            "run --lsten x", "Unknown options: '--lsten', 'x'; see virtualip-operator run --help"));
  }

  @ParameterizedTest
  @MethodSource
  void usageErrorsAreOneLine(String args, String message) {
    var err = new StringWriter();
    var line = OperatorMain.commandLine().setErr(new PrintWriter(err, true));
    assertEquals(2, line.execute(args.isEmpty() ? new String[0] : args.split(" ")));
    assertEquals(message, err.toString().strip());
  }

  @Test
  void resourcesOfAgentsAreWrittenAsInAPod() {
    var read =
        new AgentResources()
            .convert("{\"requests\":{\"cpu\":\"0.1\"},\"limits\":{\"memory\":\"512Mi\"}}");
    assertEquals(Map.of("cpu", new Quantity("0.1")), read.getRequests());
    assertEquals(Map.of("memory", new Quantity("512Mi")), read.getLimits());
    assertNull(new AgentResources().convert(""));
  }

  @Test
  void unreadableKubeconfigIsAFailure() {
    var err = new StringWriter();
    var line = OperatorMain.commandLine().setErr(new PrintWriter(err, true));
    assertEquals(1, line.execute("run", "--kubeconfig", "/nope", "--listen", "127.0.0.1:0"));
    assertEquals(
        "virtualip-operator: cannot read the kubeconfig /nope: name a readable file",
        err.toString().strip());
  }

  @Test
  void failuresSayWhatToDo() {
    assertEquals(
        "the API server does not know VirtualIPs: run kubectl apply -k crds first",
        StartFailure.advice(new RuntimeException(new KubernetesClientException("x", 404, null))));
    assertEquals(
        "no connection to the API server (refused): check --kubeconfig, and that the server runs",
        StartFailure.advice(new RuntimeException(new ConnectException("refused"))));
  }
}
