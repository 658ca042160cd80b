package dev.virtualip.e2e;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.IdentifierTree;
import com.sun.source.tree.MemberReferenceTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.PackageTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.ToolProvider;

/**
 * What the syntax tree of a source file says; it is parsed, not compiled.
 *
 * @param file from the project's root
 * @param room its package, without {@code dev.virtualip.}
 * @param name its top-level class
 * @param names every plain name, dots included, but for the package's own: imports, too
 * @param methods its methods and constructors
 */
record Source(Path file, String room, String name, List<Name> names, List<Method> methods) {
  static final Path ROOT = Path.of("..");
  static final String PRODUCT = "dev.virtualip.";

  /** A name as it is written, {@code ::} as a dot. */
  record Name(String text, long line) {}

  /** A method, its annotations included. */
  record Method(String name, long line, long lines) {}

  /** The class, with its room. */
  String id() {
    return room + "." + name;
  }

  /** Where to look, and what to do about it. */
  String problem(long line, String text) {
    return file + ":" + line + ": " + text;
  }

  /** The package of the product that a name is in or of, or an empty text. */
  static String room(String name) {
    return name.startsWith(PRODUCT)
        ? name.substring(PRODUCT.length()).replaceFirst("\\.?[A-Z*].*", "")
        : "";
  }

  /**
   * Reads the sources of all modules.
   *
   * @param tree main or test
   */
  static List<Source> all(String tree) throws IOException {
    var files = new ArrayList<Path>();
    for (var module : List.of("crds", "runtime", "agent", "operator", "kubectl-vip", "e2e")) {
      try (Stream<Path> walk = Files.walk(ROOT.resolve(module).resolve("src/" + tree + "/java"))) {
        walk.filter(f -> f.toString().endsWith(".java"))
            .filter(f -> !f.endsWith("package-info.java"))
            .sorted()
            .forEach(files::add);
      }
    }
    var compiler = ToolProvider.getSystemJavaCompiler();
    try (var manager = compiler.getStandardFileManager(null, null, null)) {
      var options = List.of("-proc:none");
      var objects = manager.getJavaFileObjectsFromPaths(files);
      var task = (JavacTask) compiler.getTask(null, manager, null, options, null, objects);
      var positions = Trees.instance(task).getSourcePositions();
      var sources = new ArrayList<Source>();
      for (var unit : task.parse()) {
        sources.add(of(unit, positions));
      }
      return sources;
    }
  }

  private static Source of(CompilationUnitTree unit, SourcePositions positions) {
    var names = new ArrayList<Name>();
    var methods = new ArrayList<Method>();
    new TreeScanner<Void, Void>() {
      private long line(Tree tree) {
        return unit.getLineMap().getLineNumber(positions.getStartPosition(unit, tree));
      }

      private void add(Tree tree, String text) {
        names.add(new Name(text, line(tree)));
      }

      @Override
      public Void visitPackage(PackageTree tree, Void unused) {
        return null;
      }

      @Override
      public Void visitIdentifier(IdentifierTree tree, Void unused) {
        add(tree, tree.getName().toString());
        return null;
      }

      @Override
      public Void visitMemberSelect(MemberSelectTree tree, Void unused) {
        if (!isPlain(tree)) {
          return super.visitMemberSelect(tree, unused);
        }
        add(tree, tree.toString());
        return null;
      }

      @Override
      public Void visitMemberReference(MemberReferenceTree tree, Void unused) {
        if (isPlain(tree.getQualifierExpression())) {
          add(tree, tree.getQualifierExpression() + "." + tree.getName());
        }
        return super.visitMemberReference(tree, unused);
      }

      @Override
      public Void visitMethod(MethodTree tree, Void unused) {
        long end = unit.getLineMap().getLineNumber(positions.getEndPosition(unit, tree));
        if (positions.getStartPosition(unit, tree) >= 0) {
          methods.add(new Method(tree.getName().toString(), line(tree), end - line(tree)));
        }
        return super.visitMethod(tree, unused);
      }
    }.scan(unit, null);
    var file = ROOT.relativize(Path.of(unit.getSourceFile().getName()));
    var name = file.getFileName().toString().replace(".java", "");
    return new Source(file, room(unit.getPackageName() + ""), name, names, methods);
  }

  private static boolean isPlain(ExpressionTree tree) {
    return switch (tree) {
      case IdentifierTree _ -> true;
      case MemberSelectTree select -> isPlain(select.getExpression());
      default -> false;
    };
  }
}
