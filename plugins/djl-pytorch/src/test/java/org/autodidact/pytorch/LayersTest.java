package org.autodidact.pytorch;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "org.autodidact", importOptions = ImportOption.DoNotIncludeTests.class)
class LayersTest {
  private static final String ROOT = "org.autodidact.pytorch";

  @ArchTest
  static final ArchRule PACKAGES_HAVE_NO_CYCLES =
      slices().matching(ROOT + ".(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule LAYERS_USE_LOWER_ONES_ONLY =
      layeredArchitecture()
          .consideringOnlyDependenciesInAnyPackage(ROOT + "..")
          .layer("trainer")
          .definedBy(ROOT)
          .layer("program")
          .definedBy(ROOT + ".program")
          .layer("state")
          .definedBy(ROOT + ".state")
          .layer("loss")
          .definedBy(ROOT + ".loss")
          .layer("data")
          .definedBy(ROOT + ".data")
          .whereLayer("trainer")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("program")
          .mayOnlyBeAccessedByLayers("trainer")
          .whereLayer("state")
          .mayOnlyBeAccessedByLayers("trainer")
          .whereLayer("loss")
          .mayOnlyBeAccessedByLayers("trainer", "program")
          .whereLayer("data")
          .mayOnlyBeAccessedByLayers("trainer", "program");
}
