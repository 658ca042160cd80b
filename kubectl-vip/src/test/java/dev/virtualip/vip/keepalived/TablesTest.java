package dev.virtualip.vip.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The tables of the documentation and the import know the same keywords. */
class TablesTest {
  private static final Pattern KEYWORD =
      Pattern.compile("`([a-z][a-z0-9]*(?:[_-][a-z0-9]+)+|[A-Z]+_[A-Z]+)\\b");

  /** Blocks that a keyword may be in; {@code %s} is its place. */
  private static final List<String> BLOCKS =
      List.of(
          "%s 1",
          "%s X {\n1\n}",
          "global_defs {\n%s 1\n}",
          "vrrp_instance A {\n%s 1\n}",
          "vrrp_instance A {\n%s {\n1\n}\n}",
          "vrrp_instance A {\n virtual_ipaddress {\n192.0.2.1 %s 1\n}\n}",
          "vrrp_instance A {\n authentication {\n%s 1\n}\n}",
          "vrrp_instance A {\n unicast_peer {\n192.0.2.3 %s 1\n}\n}",
          "vrrp_sync_group A {\n%s 1\n}",
          "virtual_server 192.0.2.1 80 {\n%s 1\n}",
          "virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.9 80 {\n%s 1\n}\n}",
          "virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.9 80 {\n%s {\n}\n}\n}",
          "virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.9 80 {\nUDP_CHECK {\n%s 1\n}\n}\n}",
          "virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.9 80 {\nHTTP_GET {\nurl {\n%s 1\n}\n}\n}\n}",
          "vrrp_script S {\nscript /bin/true\n%s 1\n}\nvrrp_instance A {\n track_script {\n S\n}\n}",
          "bfd_instance S {\n%s 1\n}\nvrrp_instance A {\n track_bfd {\n S\n}\n}");

  private static final String INSTANCE =
      "\nvrrp_instance B {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n192.0.2.1\n}\n}\n";

  @ParameterizedTest
  @ValueSource(strings = {"../docs/migration.md", "../docs/layer4.md"})
  void everyKeywordOfTheTablesHasAnOutcome(String page) throws Exception {
    var unknown = new TreeSet<String>();
    var keywords = keywords(Path.of(page));
    assertTrue(keywords.size() > 40, "too few keywords: " + keywords);
    for (var keyword : keywords) {
      if (isUnknown(keyword)) {
        unknown.add(keyword);
      }
    }
    assertEquals(new TreeSet<String>(), unknown);
  }

  private static TreeSet<String> keywords(Path page) throws IOException {
    var text = Files.readString(page);
    var keywords = new TreeSet<String>();
    text.substring(text.indexOf("## keepalived.conf, line by line"))
        .lines()
        .takeWhile(line -> !line.startsWith("## Where"))
        .filter(line -> line.startsWith("| "))
        .map(line -> line.split("\\|")[1])
        .forEach(cell -> KEYWORD.matcher(cell).results().forEach(m -> keywords.add(m.group(1))));
    return keywords;
  }

  private static boolean isUnknown(String keyword) throws SyntaxException {
    for (var block : BLOCKS) {
      var text = block.formatted(keyword) + INSTANCE;
      var folder = Path.of("target");
      var configuration = Configuration.parse("t.conf", text, "", folder);
      var files = new ScriptFiles(folder, new Includes(folder, true));
      var entries = Import.of(configuration, files).report().entries();
      boolean unknown =
          entries.stream()
              .anyMatch(
                  entry -> entry.text().contains(keyword) && entry.why().startsWith("unknown"));
      if (!unknown) {
        return false;
      }
    }
    return true;
  }
}
