import static java.lang.classfile.ClassFile.ConstantPoolSharingOption.NEW_POOL;
import static java.lang.classfile.ClassFile.DebugElementsOption.DROP_DEBUG;
import static java.lang.classfile.ClassFile.JAVA_6_VERSION;
import static java.lang.classfile.ClassFile.JAVA_8_VERSION;
import static java.lang.classfile.ClassFile.StackMapsOption.GENERATE_STACK_MAPS;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.CodeTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Copies jars as an image wants them: entries stored, for a layer is compressed as a whole and better
 * so; no names of local variables in classes, which only debuggers read; classes of Java 5, which an
 * ahead-of-time cache refuses, with the stack maps of Java 6 and newer; no native code of JNA, which
 * lies beside the jars. Equal input gives equal bytes.
 *
 * <p>{@code java Pack.java FROM TO}: all jars of a folder.
 */
final class Pack {
  private static final LocalDateTime TIME = LocalDateTime.of(1980, 1, 1, 0, 0);

  private final ClassFile classFile;

  private Pack(ClassLoader all) {
    classFile =
        ClassFile.of(
            NEW_POOL,
            DROP_DEBUG,
            ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(all)
                    .orElse(ClassHierarchyResolver.defaultResolver())));
  }

  public static void main(String[] args) throws IOException {
    Path to = Files.createDirectories(Path.of(args[1]));
    List<Path> jars;
    try (var files = Files.list(Path.of(args[0]))) {
      jars = files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
    }
    try (var all = new URLClassLoader(jars.stream().map(Pack::url).toArray(URL[]::new))) {
      var pack = new Pack(all);
      for (var jar : jars) {
        pack.copy(jar, to.resolve(jar.getFileName()));
      }
    }
  }

  private static URL url(Path file) {
    try {
      return file.toUri().toURL();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void copy(Path from, Path to) throws IOException {
    var entries = new TreeMap<String, byte[]>();
    try (var jar = new ZipFile(from.toFile())) {
      for (var entry : jar.stream().filter(entry -> !entry.isDirectory()).toList()) {
        var name = entry.getName();
        var bytes = jar.getInputStream(entry).readAllBytes();
        if (!name.startsWith("META-INF/maven/") && !isNative(name)) {
          entries.put(name, name.endsWith(".class") ? lean(name, bytes) : bytes);
        }
      }
    }
    // The JVM reads a manifest wherever it is; other readers want it first.
    var manifest = entries.remove("META-INF/MANIFEST.MF");
    try (var out = new ZipOutputStream(Files.newOutputStream(to))) {
      if (manifest != null) {
        store(out, "META-INF/MANIFEST.MF", manifest);
      }
      for (var entry : entries.entrySet()) {
        store(out, entry.getKey(), entry.getValue());
      }
    }
  }

  private static boolean isNative(String name) {
    return name.startsWith("com/sun/jna/") && name.matches(".*\\.(so|dll|jnilib|a)");
  }

  private byte[] lean(String name, byte[] bytes) {
    if (name.endsWith("module-info.class") || name.endsWith("package-info.class")) {
      return bytes;
    }
    var model = classFile.parse(bytes);
    var bodies = ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL);
    try {
      if (model.majorVersion() < JAVA_6_VERSION) {
        return classFile
            .withOptions(GENERATE_STACK_MAPS)
            .transformClass(
                model,
                bodies.andThen(
                    (builder, element) -> {
                      if (element instanceof ClassFileVersion) {
                        builder.withVersion(JAVA_8_VERSION, 0);
                      } else {
                        builder.with(element);
                      }
                    }));
      }
      return classFile.transformClass(model, bodies);
    } catch (IllegalArgumentException e) {
      // A class that names others which are in none of the jars, such as for optional features.
      return bytes;
    }
  }

  private static void store(ZipOutputStream out, String name, byte[] bytes) throws IOException {
    var entry = new ZipEntry(name);
    var sum = new CRC32();
    sum.update(bytes);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(bytes.length);
    entry.setCrc(sum.getValue());
    entry.setTimeLocal(TIME);
    out.putNextEntry(entry);
    out.write(bytes);
    out.closeEntry();
  }
}
