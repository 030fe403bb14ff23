# SPDX-License-Identifier: Apache-2.0
# What is installed where, and the three packages: weirkeeper-node, weirkeeper-tools, weirkeeper-console.
# Paths are relative to the prefix; packaging/debian/stage.cmake moves what a Debian package keeps elsewhere.
include(GNUInstallDirs)
set(weir_packaging ${CMAKE_CURRENT_LIST_DIR})
set(weir_resources ${CMAKE_SOURCE_DIR}/resources)

# Programs and pages that a build does not have (WEIR_CONSOLE=OFF) are left out.
function(weir_install_program target component)
  if(TARGET ${target})
    install(TARGETS ${target} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
  endif()
endfunction()
function(weir_install_file from to component)
  if(EXISTS ${from})
    get_filename_component(folder ${to} DIRECTORY)
    get_filename_component(name ${to} NAME)
    install(FILES ${from} DESTINATION ${folder} RENAME ${name} COMPONENT ${component})
  endif()
endfunction()
function(weir_install_page page component)
  string(REGEX REPLACE ".*\\." "" section ${page})
  weir_install_file(${weir_resources}/man/${page} ${CMAKE_INSTALL_MANDIR}/man${section}/${page} ${component})
endfunction()
function(weir_install_completions program component)
  set(from ${weir_resources}/completions)
  set(share ${CMAKE_INSTALL_DATADIR})
  weir_install_file(${from}/${program}.bash ${share}/bash-completion/completions/${program} ${component})
  weir_install_file(${from}/_${program} ${share}/zsh/vendor-completions/_${program} ${component})
  weir_install_file(${from}/${program}.fish ${share}/fish/vendor_completions.d/${program}.fish ${component})
endfunction()

weir_install_program(weir-node node)
weir_install_page(weir-node.8 node)
weir_install_page(weir-node.toml.5 node)
install(FILES ${weir_resources}/node.toml DESTINATION etc/weirkeeper COMPONENT node)
install(FILES ${weir_packaging}/systemd/weir-node.service DESTINATION lib/systemd/system COMPONENT node)
install(DIRECTORY ${weir_resources}/docs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/weirkeeper-node COMPONENT node
  FILES_MATCHING PATTERN "*.md")
install(DIRECTORY ${weir_packaging}/grafana ${weir_packaging}/prometheus ${weir_packaging}/nginx
  ${weir_packaging}/haproxy DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/weirkeeper-node/examples COMPONENT node
  FILES_MATCHING PATTERN "*.json" PATTERN "*.yml" PATTERN "*.conf" PATTERN "*.cfg")

weir_install_program(weir-load tools)
weir_install_page(weir-load.1 tools)
weir_install_program(weirctl tools)
weir_install_page(weirctl.1 tools)
weir_install_completions(weirctl tools)

set(weir_components node tools)
if(WEIR_CONSOLE)
  list(APPEND weir_components console)
  weir_install_program(weirkeeper console)
  weir_install_page(weirkeeper.1 console)
  set(weir_id org.weirkeeper.Weirkeeper)
  string(TIMESTAMP WEIR_RELEASE_DATE "%Y-%m-%d" UTC) # SOURCE_DATE_EPOCH where it is set
  configure_file(${weir_packaging}/desktop/${weir_id}.metainfo.xml.in ${weir_id}.metainfo.xml @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${weir_id}.metainfo.xml DESTINATION ${CMAKE_INSTALL_DATADIR}/metainfo
    COMPONENT console)
  install(FILES ${weir_packaging}/desktop/${weir_id}.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/applications
    COMPONENT console)
  set(icons ${CMAKE_INSTALL_DATADIR}/icons/hicolor)
  install(FILES ${weir_resources}/icons/logo.svg DESTINATION ${icons}/scalable/apps RENAME ${weir_id}.svg
    COMPONENT console)
  # The sizes are drawn from the one logo, where there is a program that draws.
  find_program(RSVG_CONVERT rsvg-convert)
  foreach(size 16 22 24 32 48 64 128 256 512)
    if(NOT RSVG_CONVERT)
      break()
    endif()
    set(icon ${CMAKE_BINARY_DIR}/icons/${size}.png)
    add_custom_command(OUTPUT ${icon} DEPENDS ${weir_resources}/icons/logo.svg
      COMMAND ${RSVG_CONVERT} -w ${size} -h ${size} -o ${icon} ${weir_resources}/icons/logo.svg)
    list(APPEND weir_icon_files ${icon})
    install(FILES ${icon} DESTINATION ${icons}/${size}x${size}/apps RENAME ${weir_id}.png COMPONENT console)
  endforeach()
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/icons)
  add_custom_target(weir_icons ALL DEPENDS ${weir_icon_files})
endif()

foreach(component IN LISTS weir_components)
  set(doc ${CMAKE_INSTALL_DATADIR}/doc/weirkeeper-${component})
  install(FILES ${weir_packaging}/debian/copyright ${CMAKE_SOURCE_DIR}/CHANGELOG.md DESTINATION ${doc}
    COMPONENT ${component})
endforeach()

set(CPACK_PACKAGE_NAME weirkeeper)
set(CPACK_PACKAGE_VENDOR "The Weirkeeper authors")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_COMPONENTS_ALL ${weir_components})
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR "DEB;TGZ")
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGE_FILE_NAME weirkeeper-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
foreach(component IN LISTS weir_components)
  string(TOUPPER ${component} upper)
  set(CPACK_ARCHIVE_${upper}_FILE_NAME
    weirkeeper-${component}-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
endforeach()
set(CPACK_PRE_BUILD_SCRIPTS ${weir_packaging}/debian/stage.cmake)
set(CPACK_PROJECT_CONFIG_FILE ${weir_packaging}/generators.cmake)
include(${weir_packaging}/debian/packages.cmake)
include(CPack)
