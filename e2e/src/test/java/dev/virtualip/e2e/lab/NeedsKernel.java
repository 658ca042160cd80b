package dev.virtualip.e2e.lab;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * On a test class that needs the lab and a kernel with certain modules. It runs here where the
 * running kernel has them; that they are loaded by this stays. Else it runs as a whole in a VM with
 * Debian's kernel, emulated: a JVM starts in 5 to 25 s there, so such tests start few, and claim
 * nothing about times. Where there can be no VM the class is skipped.
 *
 * <p>In the VM the constructor and static initializers of the class run on both sides, its other
 * methods only there. Test factories are not for it.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@InLab
@Tag("kernel")
@ExtendWith(KernelTier.class)
public @interface NeedsKernel {
  /** Modules by name, such as {@code ip_vs}; the ones that these need come with them. */
  String[] value();
}
