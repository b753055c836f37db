package org.autodidact.pytorch;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
    packages = "org.autodidact.pytorch",
    importOptions = ImportOption.DoNotIncludeTests.class)
class PackagesTest {
  @ArchTest
  static final ArchRule THERE_IS_NO_PACKAGE_CYCLE =
      slices().matching("org.autodidact.pytorch.(*)..").should().beFreeOfCycles();

  /** Tokenized data at the bottom; the loop and the plugin alone see all. */
  @ArchTest
  static final ArchRule EACH_LAYER_USES_LOWER_ONES_ONLY =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("trainer")
          .definedBy("org.autodidact.pytorch")
          .layer("program")
          .definedBy("org.autodidact.pytorch.program")
          .layer("state")
          .definedBy("org.autodidact.pytorch.state")
          .layer("loss")
          .definedBy("org.autodidact.pytorch.loss")
          .layer("data")
          .definedBy("org.autodidact.pytorch.data")
          .whereLayer("trainer")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("program")
          .mayOnlyBeAccessedByLayers("trainer")
          .whereLayer("state")
          .mayOnlyBeAccessedByLayers("trainer")
          .whereLayer("loss")
          .mayOnlyBeAccessedByLayers("trainer")
          .whereLayer("data")
          .mayOnlyBeAccessedByLayers("trainer", "program");
}
