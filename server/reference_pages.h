// SPDX-License-Identifier: Apache-2.0
// Reference pages made from the tables, so that a page never says what the program does not do. Main thread
// of weir-reference.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace server {

struct Page {
    std::string path; ///< within the source tree
    std::string text;
};

/// All that is made from tables.
std::vector<Page> referencePages();

// By file.
std::string sampleConfiguration(); ///< reference_pages.cpp
std::string configurationPage();
std::string metricsPage();
std::string closingPage();
std::string adminMethodsPage();
std::string programManual(); ///< reference_manual.cpp
std::string configurationManual();

/// Keys of a [[rooms]] table, which is no row of the settings.
struct RoomKey {
    std::string_view key, standard, help;
};
const std::vector<RoomKey>& roomKeys();
/// "node", "listen", …: in the order of the table.
std::vector<std::string_view> sections();

} // namespace server
