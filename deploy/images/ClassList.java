import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.LambdaMetafactory;
import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Writes the list of classes that go into the class cache, in the format of {@code
 * -XX:SharedClassListFile}: those that a file names, and their lambdas. It is made
 * from bytes alone and not from a run, which never loads exactly the same classes twice: so two builds
 * make the same cache.
 *
 * <p>{@code java ClassList.java CLASSES FOLDER...}: prints it for the jars of folders and this Java. A
 * line of CLASSES is a package, for all of it; a package with names of classes in it, for these; or
 * ends with a slash, for all packages below.
 */
final class ClassList {
  private static final String[] KINDS = {
    "", "REF_getField", "REF_getStatic", "REF_putField", "REF_putStatic", "REF_invokeVirtual",
    "REF_invokeStatic", "REF_invokeSpecial", "REF_newInvokeSpecial", "REF_invokeInterface"
  };

  private final TreeMap<String, Path> classes = new TreeMap<>();
  private final TreeSet<String> lines = new TreeSet<>();

  private ClassList() {}

  public static void main(String[] args) throws IOException {
    var list = new ClassList();
    var modules = FileSystems.getFileSystem(URI.create("jrt:/")).getPath("/modules");
    list.find(modules, 2);
    for (var folder : List.of(args).subList(1, args.length)) {
      try (var jars = Files.list(Path.of(folder))) {
        for (var jar : jars.filter(file -> file.toString().endsWith(".jar")).sorted().toList()) {
          list.find(FileSystems.newFileSystem(jar).getPath("/"), 0);
        }
      }
    }
    for (var line : Files.readAllLines(Path.of(args[0]))) {
      if (!line.isBlank() && !line.startsWith("#")) {
        list.choose(line.split(" "));
      }
    }
    // What the JVM itself needs in any program.
    for (var line : Files.readAllLines(Path.of(System.getProperty("java.home"), "lib/classlist"))) {
      if (line.startsWith("@")) {
        list.lines.add(line);
      } else if (list.classes.containsKey(line.split(" ")[0])) {
        list.add(line.split(" ")[0]);
      }
    }
    list.lines.forEach(System.out::println);
  }

  /** Takes in all classes below a folder; {@code skip} of its paths' elements are no package. */
  private void find(Path folder, int skip) throws IOException {
    try (var files = Files.walk(folder)) {
      for (var file : (Iterable<Path>) files::iterator) {
        var name = file.toString();
        if (name.endsWith(".class") && !name.contains("-info.")) {
          var path = file.subpath(skip, file.getNameCount()).toString();
          classes.putIfAbsent(path.substring(0, path.length() - ".class".length()), file);
        }
      }
    }
  }

  private void choose(String[] words) throws IOException {
    boolean below = words[0].endsWith("/");
    var prefix = below ? words[0] : words[0] + "/";
    if (words.length > 1) {
      for (int i = 1; i < words.length; i++) {
        if (classes.containsKey(prefix + words[i])) {
          add(prefix + words[i]);
        }
      }
      return;
    }
    for (var name : classes.subMap(prefix, prefix + Character.MAX_VALUE).keySet()) {
      if (below || name.indexOf('/', prefix.length()) < 0) {
        add(name);
      }
    }
  }

  private void add(String name) throws IOException {
    lines.add(name);
    for (var method : ClassFile.of().parse(Files.readAllBytes(classes.get(name))).methods()) {
      method.code().ifPresent(
          code -> code.forEach(
              element -> {
                if (element instanceof InvokeDynamicInstruction call) {
                  addLambda(name, call);
                }
              }));
    }
  }

  private void addLambda(String name, InvokeDynamicInstruction call) {
    var bootstrap = call.bootstrapMethod();
    if (!bootstrap.owner().equals(LambdaMetafactory.class.describeConstable().orElseThrow())
        || !bootstrap.methodName().equals("metafactory")) {
      return;
    }
    var arguments = call.bootstrapArgs();
    var target = (DirectMethodHandleDesc) arguments.get(1);
    var owner = target.owner().descriptorString();
    lines.add(
        String.join(
            " ",
            "@lambda-proxy",
            name,
            call.name().stringValue(),
            call.type().stringValue(),
            ((MethodTypeDesc) arguments.get(0)).descriptorString(),
            KINDS[target.refKind()],
            owner.startsWith("[") ? owner : owner.substring(1, owner.length() - 1),
            target.methodName(),
            target.lookupDescriptor(),
            ((MethodTypeDesc) arguments.get(2)).descriptorString()));
  }
}
