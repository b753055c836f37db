/** The small language of the demo: words, tasks, answers, critiques. */
package org.autodidact.demo.language;
