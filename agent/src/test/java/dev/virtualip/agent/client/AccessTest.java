package dev.virtualip.agent.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AccessTest {
  private static final String KUBECONFIG =
      """
      apiVersion: v1
      kind: Config
      current-context: b
      contexts:
      - {name: a, context: {cluster: none, user: none}}
      - {name: b, context: {cluster: c, user: u, namespace: n}}
      clusters:
      - {name: c, cluster: {%s}}
      users:
      - {name: u, user: {%s}}
      """;

  @TempDir private Path folder;

  private Access kubeconfig(String cluster, String user) throws IOException {
    var file = Files.writeString(folder.resolve("config"), KUBECONFIG.formatted(cluster, user));
    return Access.of(file, Map.of());
  }

  private String refusal(String cluster, String user) {
    return assertThrows(IOException.class, () -> kubeconfig(cluster, user)).getMessage();
  }

  @Test
  void aPodHasItFromItsEnvironmentAndFiles() throws IOException {
    Files.writeString(folder.resolve("ca.crt"), "ca");
    Files.writeString(folder.resolve("token"), "token\n");
    var pod = Map.of("KUBERNETES_SERVICE_HOST", "fd00:10::1", "KUBERNETES_SERVICE_PORT", "6443");
    var access = Access.inCluster(folder, pod);
    assertEquals("https://[fd00:10::1]:6443/api/v1/nodes", access.request("api/v1/nodes") + "");
    assertEquals("wss://[fd00:10::1]:6443/x?watch=true", access.webSocket("x?watch=true") + "");
    assertEquals(new Credentials("ca", null, null, "token"), access.credentials());
    Files.delete(folder.resolve("token"));
    assertTrue(assertThrows(IOException.class, access::credentials).getMessage().contains("token"));
  }

  @Test
  void outsideOfAPodAKubeconfigIsAskedFor() {
    var error = assertThrows(IOException.class, () -> Access.inCluster(folder, Map.of()));
    assertTrue(error.getMessage().contains("--kubeconfig"), error.getMessage());
  }

  @Test
  void aKubeconfigNamesFilesBesideItOrHasWhatIsInThem() throws IOException {
    Files.writeString(folder.resolve("ca.pem"), "ca");
    Files.writeString(folder.resolve("t"), "token");
    var data = Base64.getEncoder().encodeToString("c".getBytes());
    var files =
        kubeconfig(
            "server: 'https://h/k8s/clusters/x/', certificate-authority: ca.pem", "tokenFile: t");
    assertEquals("https://h/k8s/clusters/x/version", files.request("version") + "");
    assertEquals(new Credentials("ca", null, null, "token"), files.credentials());
    var inside =
        kubeconfig(
            "server: 'http://[::1]:8080', certificate-authority-data: " + data,
            "client-certificate-data: %s, client-key-data: %s, token: t".formatted(data, data));
    assertEquals("http://[::1]:8080/version", inside.request("version") + "");
    assertEquals(new Credentials("c", "c", "c", "t"), inside.credentials());
    assertTrue(kubeconfig("server: 'https://h', insecure-skip-tls-verify: true", "").insecure());
  }

  @Test
  void oneOfKubectlIsTakenWhereNoneIsGiven() throws IOException {
    kubeconfig("server: 'https://h:1'", "");
    var named = Map.of("KUBECONFIG", folder.resolve("config").toString());
    assertEquals("https://h:1", Access.of(null, named).server().toString());
    var home = Files.createDirectories(folder.resolve("home/.kube"));
    Files.copy(folder.resolve("config"), home.resolve("config"));
    var usual = Map.of("HOME", folder.resolve("home").toString());
    assertEquals("https://h:1", Access.of(null, usual).server().toString());
  }

  @Test
  void whatAnAgentCannotUseIsRefusedWithWhatToGiveInstead() {
    var exec = refusal("server: 'https://h'", "exec: {command: aws}");
    assertTrue(exec.contains("user \"u\" has exec") && exec.contains("tokenFile"), exec);
    var name = refusal("server: 'https://h', tls-server-name: x", "");
    assertTrue(name.contains("tls-server-name"), name);
    var scheme = refusal("server: h", "");
    assertTrue(scheme.contains("https://HOST:PORT"), scheme);
    var data = refusal("server: 'https://h', certificate-authority-data: '='", "");
    assertTrue(data.contains("Base64"), data);
  }

  @Test
  void aContextThatIsNotThereIsNamed() throws IOException {
    var file =
        Files.writeString(
            folder.resolve("config"),
            KUBECONFIG.formatted("server: 'https://h'", "").replace("-context: b", "-context: d"));
    var error = assertThrows(IOException.class, () -> Access.of(file, Map.of()));
    assertTrue(error.getMessage().contains("no context \"d\""), error.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.1, '', http://proxy:3128",
    "10.0.0.1, '10.0.0.1,localhost', ",
    "api.cluster.local, .cluster.local, ",
    "api.cluster.local, cluster.local, ",
    "xcluster.local, cluster.local, http://proxy:3128",
    "h, *, "
  })
  void aProxyOfTheEnvironmentIsTakenUnlessNoProxyNamesTheServer(
      String host, String without, String proxy) throws IOException {
    var environment = Map.of("HTTPS_PROXY", "proxy:3128", "NO_PROXY", without);
    var found = Access.proxyOf(Access.uri("https://" + host), environment);
    assertEquals(proxy, found == null ? null : found.toString());
    assertNull(Access.proxyOf(Access.uri("http://" + host), environment), "not for http");
  }

  @ParameterizedTest
  @ValueSource(strings = {"RSA", "EC", "Ed25519"})
  void aClientKeyMayBeOfEachKind(String algorithm) throws GeneralSecurityException {
    var key = KeyPairGenerator.getInstance(algorithm).generateKeyPair().getPrivate();
    assertEquals(key, Tls.key(pem("PRIVATE KEY", key.getEncoded())));
  }

  /** As kubeadm writes it: the PKCS #1 key, which PKCS #8 wraps in 26 bytes. */
  @Test
  void anRsaKeyMayBeInItsOwnFormat() throws GeneralSecurityException {
    var key = KeyPairGenerator.getInstance("RSA").generateKeyPair().getPrivate();
    var encoded = key.getEncoded();
    var own = Arrays.copyOfRange(encoded, 26, encoded.length);
    assertEquals(key, Tls.key(pem("RSA PRIVATE KEY", own)));
  }

  /** As openssl and k3s write it, of the curve P-256. */
  @Test
  void anEcKeyMayBeInItsOwnFormat() throws GeneralSecurityException {
    var sec1 =
        """
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEIOiYsehEFRm9S/Sqzo7g06euipUNAe6IA0Di6fhOeN9toAoGCCqGSM49
        AwEHoUQDQgAEwI0GaoE5EHlMynfo9ZWckwm1vPgVvnO0S+C7HENIfvTPRNuKQ294
        kVqJEy2GDg0s3JGlRuXwiUgp8DUh3dmZgA==
        -----END EC PRIVATE KEY-----
        """;
    assertEquals("EC", Tls.key(sec1).getAlgorithm());
  }

  @ParameterizedTest
  @ValueSource(strings = {"ENCRYPTED PRIVATE KEY", "DSA PRIVATE KEY", "CERTIFICATE"})
  void anotherKeyIsNamed(String kind) {
    var error = assertThrows(GeneralSecurityException.class, () -> Tls.key(pem(kind, new byte[9])));
    assertTrue(error.getMessage().contains("key"), error.getMessage());
  }

  private static String pem(String kind, byte[] der) {
    var text = Base64.getMimeEncoder().encodeToString(der);
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n".formatted(kind, text, kind);
  }
}
