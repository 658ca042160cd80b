package dev.virtualip.e2e.lab;

import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/**
 * Decides where a class with {@link NeedsKernel} runs. If in the VM, the methods here are skipped,
 * and end as they did there.
 */
final class KernelTier implements ExecutionCondition, BeforeAllCallback, InvocationInterceptor {
  private static final ExtensionContext.Namespace LACKS =
      ExtensionContext.Namespace.create(KernelTier.class, "lacks");

  /** The VM, for as long as JUnit runs in this JVM. */
  private static final ExtensionContext.Namespace VM =
      ExtensionContext.Namespace.create(KernelTier.class, "vm");

  private static final ExtensionContext.Namespace RUNS =
      ExtensionContext.Namespace.create(KernelTier.class, "runs");

  /** Modules that the running kernel lacks. */
  private record Lacks(List<String> modules) {
    static Lacks of(Class<?> tests) {
      return new Lacks(
          Stream.of(tests.getAnnotation(NeedsKernel.class).value())
              .filter(module -> !has(module))
              .toList());
    }

    private static boolean has(String module) {
      return Files.exists(Path.of("/sys/module", module))
          || Shell.result(List.of("sh", "-c", "modprobe --quiet " + module)).exit() == 0;
    }

    @Override
    public String toString() {
      return String.join(", ", modules);
    }
  }

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    var lacks = lacks(context);
    if (lacks.modules().isEmpty()) {
      return ConditionEvaluationResult.enabled("the kernel has what it needs");
    }
    var guest = System.getenv("VIRTUALIP_VM");
    if (guest != null) {
      return ConditionEvaluationResult.disabled(
          "Debian's kernel %s has no %s".formatted(guest, lacks));
    }
    var packages = Vm.missingPackages();
    return packages.isEmpty()
        ? ConditionEvaluationResult.enabled("runs in the VM")
        : ConditionEvaluationResult.disabled(
            "the kernel has no %s, and a VM with Debian's needs %s: run make kernel"
                .formatted(lacks, packages));
  }

  /** Before the first method and not in its place: a test has a time limit. */
  @Override
  public void beforeAll(ExtensionContext context) {
    vm(context).ifPresent(run -> run.replayClass(context.getUniqueId()));
  }

  private static Lacks lacks(ExtensionContext context) {
    return context
        .getRoot()
        .getStore(LACKS)
        .computeIfAbsent(outermost(context), Lacks::of, Lacks.class);
  }

  /** The run in the VM; empty if the tests run here. */
  private static Optional<VmRun> vm(ExtensionContext context) {
    return lacks(context).modules().isEmpty()
        ? Optional.empty()
        : Optional.of(
            context
                .getRoot()
                .getStore(RUNS)
                .computeIfAbsent(outermost(context), tests -> run(tests, context), VmRun.class));
  }

  private static VmRun run(Class<?> tests, ExtensionContext context) {
    return context
        .getStore(ExtensionContext.StoreScope.LAUNCHER_SESSION, VM)
        .computeIfAbsent(Vm.class, _ -> new Vm(), Vm.class)
        .run(tests);
  }

  private static Class<?> outermost(ExtensionContext context) {
    var tests = context.getRequiredTestClass();
    while (tests.getEnclosingClass() != null) {
      tests = tests.getEnclosingClass();
    }
    return tests;
  }

  @Override
  public void interceptTestMethod(
      Invocation<Void> test, ReflectiveInvocationContext<Method> method, ExtensionContext context)
      throws Throwable {
    if (skippedHere(test, context)) {
      vm(context).orElseThrow().replay(context.getUniqueId());
    }
  }

  @Override
  public void interceptTestTemplateMethod(
      Invocation<Void> test, ReflectiveInvocationContext<Method> method, ExtensionContext context)
      throws Throwable {
    interceptTestMethod(test, method, context);
  }

  @Override
  public <T> T interceptTestFactoryMethod(
      Invocation<T> factory, ReflectiveInvocationContext<Method> method, ExtensionContext context) {
    throw new UnsupportedOperationException("not with @NeedsKernel: use @ParameterizedTest");
  }

  @Override
  public void interceptBeforeAllMethod(
      Invocation<Void> setUp, ReflectiveInvocationContext<Method> method, ExtensionContext context)
      throws Throwable {
    skippedHere(setUp, context);
  }

  @Override
  public void interceptBeforeEachMethod(
      Invocation<Void> setUp, ReflectiveInvocationContext<Method> method, ExtensionContext context)
      throws Throwable {
    skippedHere(setUp, context);
  }

  @Override
  public void interceptAfterEachMethod(
      Invocation<Void> end, ReflectiveInvocationContext<Method> method, ExtensionContext context)
      throws Throwable {
    skippedHere(end, context);
  }

  @Override
  public void interceptAfterAllMethod(
      Invocation<Void> end, ReflectiveInvocationContext<Method> method, ExtensionContext context)
      throws Throwable {
    skippedHere(end, context);
  }

  /** Skips the method if it has run in the VM, else runs it. */
  private static boolean skippedHere(Invocation<Void> method, ExtensionContext context)
      throws Throwable {
    if (vm(context).isEmpty()) {
      method.proceed();
      return false;
    }
    method.skip();
    return true;
  }
}
