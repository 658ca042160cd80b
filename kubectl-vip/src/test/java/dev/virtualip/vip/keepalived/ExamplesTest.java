package dev.virtualip.vip.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.Conflicts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.vip.keepalived.Import.Host;
import dev.virtualip.vip.keepalived.Report.Entry;
import dev.virtualip.vip.keepalived.Report.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is true of every configuration in the tests, whatever it says. */
class ExamplesTest {
  private static final Path FOLDER = Path.of("src/test/resources/dev/virtualip/vip/keepalived");
  private static final String ID = "left";

  /** Complaints about lines, but for those that NICs and scripts are not there. */
  private static final Pattern COMPLAINT =
      Pattern.compile(
          "\\((?:(\\S+): )?Line (\\d+)\\) (?!.*(exist|unknown interface|cannot track|'[{}]')).*");

  private static Import imported(String name) throws SyntaxException {
    return Import.of(List.of(new Host("", FOLDER.resolve(name), ID, null)), null, false);
  }

  /** The sample was written by hand, for a node that joins with a lower priority. */
  @Test
  void theSampleOfTheMigrationComesOfItsConfiguration() throws Exception {
    var samples = Path.of("../samples");
    var host = new Host("", samples.resolve("04-with-keepalived.conf"), "", null);
    var spec = Import.of(List.of(host), null, false).manifests().getFirst().object().getSpec();
    var sample =
        new YAMLMapper()
            .readValue(samples.resolve("04-with-keepalived.yaml").toFile(), VirtualIp.class)
            .getSpec();
    assertEquals(sample.vrid(), spec.vrid());
    assertEquals(sample.vrrpVersion(), spec.vrrpVersion());
    assertEquals(sample.interfaceName(), spec.interfaceName());
    assertEquals(sample.advertInterval(), spec.advertInterval());
    assertEquals(sample.addresses(), spec.addresses());
    assertEquals(sample.routes(), spec.routes());
    assertEquals(sample.healthChecks().getFirst().http(), spec.healthChecks().getFirst().http());
  }

  @Test
  void argumentsThatLookLikeASecretStayOutOfTheSpec() throws Exception {
    var text =
        "vrrp_script db {\nscript \"/opt/check-db --password=hunter2\"\n}\n"
            + "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n"
            + "virtual_ipaddress {\n192.0.2.1\n}\ntrack_script {\ndb\n}\n}\n";
    var configuration = Configuration.parse("t.conf", text, "", FOLDER);
    var result = Import.of(configuration, new ScriptFiles(FOLDER, new Includes(FOLDER, true)));
    var yaml = result.manifests().getFirst().yaml();
    assertTrue(yaml.contains("command: [check-db]"), yaml);
    assertFalse(yaml.contains("hunter2"), yaml);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "shop-a.conf",
        "shop-b.conf",
        "router.conf",
        "balancer.conf",
        "template.conf",
        "edge.d/keepalived.conf",
        "odd.conf",
        "bfd.conf",
        "signed.conf"
      })
  void whatIsWrittenIsValid(String name) throws Exception {
    var results = new ArrayList<CheckedSpec.Result>();
    for (var manifest : imported(name).manifests()) {
      results.add(CheckedSpec.check(manifest.object()));
    }
    assertFalse(results.isEmpty());
    Conflicts.among(results).forEach((vip, problems) -> assertEquals(List.of(), problems, vip));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "shop-a.conf",
        "router.conf",
        "balancer.conf",
        "template.conf",
        "edge.d/keepalived.conf",
        "odd.conf",
        "bfd.conf",
        "signed.conf"
      })
  void everyDirectiveHasOneOutcome(String name) throws SyntaxException {
    var entries = imported(name).report().entries();
    var configuration = Configuration.read(FOLDER.resolve(name), ID, null);
    configuration.directives().stream()
        .flatMap(Directive::all)
        .forEach(
            directive ->
                assertTrue(
                    entries.stream().anyMatch(entry -> isAbout(entry, directive.place())),
                    directive.place() + " " + directive.text()));
  }

  private static boolean isAbout(Entry entry, Place place) {
    boolean inside =
        entry.outcome() == Outcome.NotSupported || !entry.why().isEmpty()
            ? place.line() >= entry.place().line() && place.line() <= entry.lastLine()
            : place.line() == entry.place().line();
    return entry.place().file().equals(place.file()) && inside;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "shop-a.conf",
        "shop-b.conf",
        "router.conf",
        "balancer.conf",
        "template.conf",
        "edge.d/keepalived.conf",
        "odd.conf",
        "bfd.conf"
      })
  void theReportHasAWordOnWhatKeepalivedComplainsOf(String name) throws Exception {
    var entries = imported(name).report().entries();
    for (var complaint : complaints(FOLDER.resolve(name))) {
      var matcher = COMPLAINT.matcher(complaint);
      if (!matcher.matches()) {
        continue;
      }
      int line = Integer.parseInt(matcher.group(2));
      assertTrue(
          entries.stream()
              .filter(entry -> !entry.why().isEmpty())
              .anyMatch(entry -> entry.place().line() <= line && line <= entry.lastLine()),
          complaint);
    }
  }

  /** What {@code keepalived -t} says. */
  private static List<String> complaints(Path file) throws IOException, InterruptedException {
    var program = Path.of("/usr/sbin/keepalived");
    assumeTrue(Files.isExecutable(program), "no " + program + ": install keepalived 2.2 or newer");
    var process =
        new ProcessBuilder(program.toString(), "-t", "-i", ID, "-f", file.getFileName().toString())
            .directory(file.toAbsolutePath().getParent().toFile())
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    assumeTrue(!output.contains("ermission denied"), "keepalived -t needs root here");
    try (Stream<String> lines = output.lines()) {
      return lines.toList();
    }
  }
}
