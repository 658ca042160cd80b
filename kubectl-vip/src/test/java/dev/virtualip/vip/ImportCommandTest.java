package dev.virtualip.vip;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What people see of an import: files, manifests, report and exit code. */
class ImportCommandTest {
  private static final Path EXAMPLES = Path.of("src/test/resources/dev/virtualip/vip/keepalived");

  @TempDir private Path folder;

  /** The outcome of a command; the folder of the examples is cut from its output. */
  private record Outcome(int code, String out, String err) {}

  private static Outcome run(String... arguments) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code =
        new CommandLine(new ImportCommand())
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(arguments);
    var prefix = EXAMPLES + "/";
    return new Outcome(
        code, out.toString().replace(prefix, ""), err.toString().replace(prefix, ""));
  }

  private static String example(String name) {
    return EXAMPLES.resolve(name).toString();
  }

  private static String[] arguments(String words) {
    return Arrays.stream(words.split(" "))
        .map(word -> word.replaceAll("(^|=)([a-z.-]+(/[a-z.]+)?\\.conf)$", "$1" + EXAMPLES + "/$2"))
        .toArray(String[]::new);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "shop, --all --host node-a=shop-a.conf --host node-b=shop-b.conf",
    "router, --all router.conf",
    "balancer, --all balancer.conf",
    "template, --all --host left=template.conf --host right=template.conf",
    "edge, --all edge.d/keepalived.conf",
    "odd, --all odd.conf",
    "bfd, --all bfd.conf",
    "signed, --all signed.conf",
  })
  void examplesImportAsTheirFilesSay(String name, String words) throws IOException {
    var outcome = run(arguments(words));
    assertEquals(Files.readString(EXAMPLES.resolve(name + ".yaml")), outcome.out());
    assertEquals(Files.readString(EXAMPLES.resolve(name + ".report")), outcome.err());
  }

  @Test
  void anInstanceThatBecomesNoVirtualIpIsAFailure() throws IOException {
    var empty = Files.writeString(folder.resolve("empty.conf"), "");
    assertEquals(1, run(empty.toString()).code());
    var bare = Files.readString(EXAMPLES.resolve("shop-a.conf")) + "vrrp_instance X {\n}\n";
    var file = Files.writeString(folder.resolve("bare.conf"), bare);
    var outcome = run(file.toString());
    assertTrue(outcome.err().contains("1 VirtualIP of"), outcome.err());
    assertEquals(1, outcome.code());
  }

  @Test
  void twinsOfOptionsAreRefused() {
    var file = example("shop-a.conf");
    var outcome = run("--host", "a=" + file, "--host", "a=" + file);
    assertEquals(2, outcome.code());
    assertTrue(outcome.err().contains("given twice"), outcome.err());
    assertEquals(2, run(file, "-i", "a", "-i", "b").code());
    assertEquals(2, run("--host", file).code());
  }

  @Test
  void writesAFileForEachVirtualIpAndOneForPasswords() throws IOException {
    var outcome = run(example("shop-a.conf"), "-o", folder.toString());
    assertEquals(0, outcome.code(), outcome.err());
    assertEquals(List.of("shop.yaml", "vip-auth.secret.yaml"), files());
    assertFalse(Files.readString(folder.resolve("shop.yaml")).contains("sh0pPass"));
    assertFalse(outcome.out().contains("sh0pPass"), outcome.out());
    var secret = folder.resolve("vip-auth.secret.yaml");
    assertTrue(Files.readString(secret).contains("  shop: sh0pPass\n"));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(secret)));
  }

  @Test
  void keysOfSignedAdvertsAreInTheSecretAlone() throws IOException {
    var outcome = run(example("signed.conf"), "-o", folder.toString());
    assertEquals(0, outcome.code(), outcome.err());
    assertEquals(List.of("edge.yaml", "other.yaml", "vip-auth.secret.yaml"), files());
    assertTrue(
        Files.readString(folder.resolve("vip-auth.secret.yaml"))
            .endsWith(
                """
                stringData:
                  edge: "2 %s\\n3 %s\\n1 %s"
                """
                    .formatted(
                        "5a".repeat(32),
                        HexFormat.of()
                            .formatHex("a text of thirty-two bytes or so".getBytes(UTF_8)),
                        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")));
    for (var text : List.of(outcome.out(), Files.readString(folder.resolve("edge.yaml")))) {
      assertFalse(
          text.contains("0001020304") || text.contains("5a5a") || text.contains("0ldP"), text);
    }
  }

  @Test
  void writesPasswordsAsFilesForServersWithoutKubernetes() throws IOException {
    var secrets = folder.resolve("secrets");
    run(example("shop-a.conf"), "-o", folder.toString(), "--secrets", secrets.toString());
    assertEquals("sh0pPass", Files.readString(secrets.resolve("vip-auth/shop")));
    assertEquals(List.of("secrets", "shop.yaml"), files());
  }

  @Test
  void aFolderSecretsThereGetsThePasswords() throws IOException {
    Files.createDirectory(folder.resolve("secrets"));
    run(example("shop-a.conf"), "-o", folder.toString());
    assertEquals("sh0pPass", Files.readString(folder.resolve("secrets/vip-auth/shop")));
    assertEquals(List.of("secrets", "shop.yaml"), files());
  }

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void replacesNoFileUnlessItIsForced() throws IOException {
    Files.writeString(folder.resolve("shop.yaml"), "mine");
    var outcome = run(example("shop-a.conf"), "-o", folder.toString());
    assertEquals(1, outcome.code());
    assertTrue(outcome.err().contains("shop.yaml is there already"), outcome.err());
    assertEquals(List.of("shop.yaml"), files());
    assertEquals(0, run(example("shop-a.conf"), "-o", folder.toString(), "--force").code());
  }

  @Test
  void strictFailsOnWhatIsNotSupportedAlone() {
    assertEquals(0, run(example("router.conf")).code());
    assertEquals(1, run(example("router.conf"), "--strict").code());
    assertEquals(0, run(example("shop-a.conf"), "--strict").code());
  }

  @Test
  void differencesThatCannotBeBothNameBothLines() throws IOException {
    var other = Files.readString(EXAMPLES.resolve("shop-b.conf"));
    var file = folder.resolve("b.conf");
    Files.writeString(
        file, other.replace("192.0.2.81/24", "192.0.2.82/24").replace("sh0pPass", "0therPw"));
    var outcome = run("--host", "a=" + example("shop-a.conf"), "--host", "b=" + file);
    assertEquals(1, outcome.code());
    assertTrue(
        outcome
            .err()
            .contains(
                "shop-a.conf:44 (192.0.2.81/24) and %s:44 (192.0.2.82/24) differ".formatted(file)),
        outcome.err());
    assertTrue(outcome.err().contains("one password for all nodes"), outcome.err());
    assertFalse(outcome.err().contains("0therPw"), outcome.err());
  }

  @Test
  void theHighestPriorityPreemptsOrNot() throws IOException {
    var other = Files.readString(EXAMPLES.resolve("shop-b.conf"));
    var file = folder.resolve("b.conf");
    Files.writeString(file, other.replace("    priority 90", "    priority 90\n    nopreempt"));
    var outcome = run("--host", "a=" + example("shop-a.conf"), "--host", "b=" + file);
    assertEquals(0, outcome.code(), outcome.err());
    assertFalse(outcome.out().contains("preempt"), outcome.out());
    assertTrue(
        outcome
            .err()
            .contains(
                ":32 nopreempt: preemption is that of the highest priority, at shop-a.conf:27"),
        outcome.err());
  }

  @Test
  void aBrokenFileGivesLineAndColumnAndNoManifest() throws IOException {
    var file = folder.resolve("broken.conf");
    Files.writeString(file, "vrrp_instance A {\n  interface eth0\n  virtual_ipaddress {\n}\n");
    var outcome = run(file.toString());
    assertEquals(1, outcome.code());
    assertEquals("", outcome.out());
    assertEquals(
        file + ":1:1: the block of vrrp_instance that begins here has no end: expected }\n",
        outcome.err());
  }

  @Test
  void wrongUsageExitsWithTwo() {
    assertEquals(2, run().code());
    assertEquals(2, run("a.conf", "--host", "b=b.conf").code());
    assertEquals(2, run("a.conf", "-i", "nobody=x").code());
    assertEquals(2, run("a.conf", "--secrets", "x").code());
  }
}
