package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import org.cyclonedx.Version;
import org.cyclonedx.exception.ParseException;
import org.cyclonedx.model.Bom;
import org.cyclonedx.model.Component;
import org.cyclonedx.parsers.JsonParser;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code make images} has left. */
class ImagesTest {
  private static final Path IMAGES = Path.of("../target/images");

  @ParameterizedTest
  @ValueSource(strings = {"virtualip-agent", "virtualip-agent-exec", "virtualip-operator"})
  void allThatIsInAnImageIsInItsCycloneDxFile(String image) throws IOException, ParseException {
    var file = built(image).getParent().resolveSibling(image + ".cdx.json").toFile();
    assertEquals(List.of(), new JsonParser().validate(file, Version.VERSION_16));
    var bom = new JsonParser().parse(file);
    assertEquals(
        Files.readString(IMAGES.resolve(image + ".digest")).strip(),
        bom.getMetadata().getComponent().getVersion());

    var jars = names(image, "opt/virtualip/lib");
    jars.removeIf(name -> !name.endsWith(".jar"));
    assertEquals(jars, listed(bom, "pkg:maven/"));
    assertEquals(names(image, "var/lib/dpkg/status.d"), listed(bom, "pkg:deb/"));
    assertEquals(1, listed(bom, "pkg:generic/openjdk@").size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"virtualip-agent", "virtualip-operator"})
  void anImageHasNoProgramButJava(String image) throws IOException {
    var rootfs = built(image);
    try (var files = Files.walk(rootfs)) {
      var programs =
          files
              .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
              .map(file -> rootfs.relativize(file).toString())
              .filter(file -> !file.matches(".*\\.so(\\.[0-9.]+)?"))
              .filter(file -> !file.equals("opt/jre/lib/jspawnhelper"))
              .toList();
      assertEquals(List.of("opt/jre/bin/java"), programs);
    }
    assertFalse(Files.exists(rootfs.resolve("bin/sh")));
    assertTrue(Files.exists(built("virtualip-agent-exec").resolve("bin/sh")));
  }

  private static Path built(String image) {
    var rootfs = IMAGES.resolve(image).resolve("rootfs");
    assumeTrue(Files.exists(rootfs), "SKIPPED: no images: run make images first");
    return rootfs;
  }

  private static TreeSet<String> names(String image, String folder) throws IOException {
    try (var files = Files.list(built(image).resolve(folder))) {
      var names = new TreeSet<String>();
      files.forEach(file -> names.add(file.getFileName().toString()));
      return names;
    }
  }

  /** Libraries as the names of their jars, packages by name. */
  private static TreeSet<String> listed(Bom bom, String purl) {
    var names = new TreeSet<String>();
    for (Component component : bom.getComponents()) {
      if (component.getPurl().startsWith(purl)) {
        var jar = component.getName() + "-" + component.getVersion() + ".jar";
        names.add(purl.equals("pkg:maven/") ? jar : component.getName());
      }
    }
    return names;
  }
}
