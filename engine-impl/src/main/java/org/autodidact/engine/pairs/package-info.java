/** The pair selectors, which make preference pairs from judged candidates. */
package org.autodidact.engine.pairs;
