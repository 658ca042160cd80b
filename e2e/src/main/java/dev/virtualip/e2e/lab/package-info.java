/**
 * The lab: hosts are network namespaces, wires are bridges, and real programs run on them. Run it
 * by {@code e2e/src/lab/bin/java}, which first puts the JVM into namespaces of its own. All that is
 * created here vanishes with that JVM, and never touches the machine's own network.
 */
package dev.virtualip.e2e.lab;
