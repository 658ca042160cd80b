package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Links between the pages, and from them into the project, lead somewhere. */
class LinksTest {
  private static final Path ROOT = Lab.root().toAbsolutePath().normalize();

  private static List<Path> pages() throws IOException {
    try (var files = Files.walk(ROOT)) {
      return files
          .filter(file -> file.toString().endsWith(".md"))
          .filter(file -> !ROOT.relativize(file).toString().matches("(.*/)?(target|\\.git)/.*"))
          .toList();
    }
  }

  @Test
  void everyRelativeLinkLeadsSomewhere() throws IOException {
    var dead = new TreeSet<String>();
    for (var page : pages()) {
      for (var link : Links.of(Files.readString(page))) {
        if (!link.matches("[a-z]+:.*") && !leadsSomewhere(page, link)) {
          dead.add(ROOT.relativize(page) + ": " + link);
        }
      }
    }
    assertEquals(Set.of(), dead);
  }

  private static boolean leadsSomewhere(Path page, String link) throws IOException {
    var parts = link.split("#", 2);
    var file = parts[0].isEmpty() ? page : page.resolveSibling(parts[0]).normalize();
    if (!Files.exists(file)) {
      return false;
    }
    return parts.length == 1 || Links.anchors(Files.readString(file)).contains(parts[1]);
  }

  @Test
  void everySampleIsInTheirIndexAndEveryPageInTheReadme() throws IOException {
    assertEquals(Set.of(), missing("samples/README.md", "samples"));
    assertEquals(Set.of(), missing("README.md", "docs"));
  }

  /** Files of a folder that a page does not link to. */
  private static Set<Path> missing(String page, String folder) throws IOException {
    var index = ROOT.resolve(page);
    var missing = new TreeSet<Path>();
    try (var files = Files.list(ROOT.resolve(folder))) {
      files.filter(Files::isRegularFile).filter(f -> !f.equals(index)).forEach(missing::add);
    }
    for (var link : Links.of(Files.readString(index))) {
      missing.remove(index.resolveSibling(link.split("#")[0]).normalize());
    }
    return missing;
  }

  @Test
  void anchorsAreThoseOfGitHub() {
    var page = "# A [b](c.md) `x.y[]`\n\n## Twice\n\n```\n# no heading\n```\n\n## Twice\n";
    assertEquals(Set.of("a-b-xy", "twice", "twice-1"), Links.anchors(page));
    assertEquals(List.of("c.md"), Links.of(page + "`[d](e.md)`"));
  }
}
