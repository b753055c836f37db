package org.autodidact.spark;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** This plugin is not on the command line's class path, where the rules of all modules stand. */
@AnalyzeClasses(
    packages = "org.autodidact.spark",
    importOptions = ImportOption.DoNotIncludeTests.class)
class LayersTest {
  private static final String ROOT = "org.autodidact.spark";

  @ArchTest
  static final ArchRule LAYERS_USE_LOWER_ONES_ONLY =
      layeredArchitecture()
          .consideringOnlyDependenciesInAnyPackage(ROOT + "..")
          .layer("plugin")
          .definedBy(ROOT)
          .layer("driver")
          .definedBy(ROOT + ".driver")
          .layer("executor")
          .definedBy(ROOT + ".executor")
          .layer("wire")
          .definedBy(ROOT + ".wire")
          .whereLayer("plugin")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("driver")
          .mayOnlyBeAccessedByLayers("plugin")
          .whereLayer("executor")
          .mayOnlyBeAccessedByLayers("plugin", "driver")
          .whereLayer("wire")
          .mayOnlyBeAccessedByLayers("driver", "executor");

  @ArchTest
  static final ArchRule THE_ENGINE_AND_OTHER_PLUGINS_ARE_NOT_USED =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.autodidact.engine..", "org.autodidact.onnxruntime..");

  @ArchTest
  static final ArchRule NOTHING_IS_DESERIALIZED =
      noClasses()
          .should()
          .dependOnClassesThat()
          .haveFullyQualifiedName("java.io.ObjectInputStream");
}
