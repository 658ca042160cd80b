/** What keeps a program's memory small while it runs. */
package dev.virtualip.memory;
