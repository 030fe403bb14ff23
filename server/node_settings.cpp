// SPDX-License-Identifier: Apache-2.0
#include "server/node_parts.h"
#include <QFile>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace server {

using shared::ErrorCode;
using shared::failure;
using shared::Result;
using shared::admin::Role;

const Settings& Node::settings() const {
    return m_parts->live->settings();
}

std::vector<shared::admin::ConfigRow> Node::configuration() const {
    return m_parts->live->rows();
}

Result<void> Node::configure(const shared::admin::ConfigChange& change) {
    auto reload = m_parts->live->changed(change.key, change.value);
    if (!reload)
        return tl::unexpected(reload.error());
    auto operators = newOperators(reload->settings);
    if (!operators)
        return failure(ErrorCode::BadRequest, operators.error().message);
    takeOver(std::move(*reload), std::move(*operators));
    return {};
}

void Node::reload(const Result<Configuration>& read) {
    auto& parts = *m_parts;
    const auto refuse = [](const shared::Error& why) {
        spdlog::error("the configuration was not taken over, nothing has changed: {}", why.message);
    };
    if (!read)
        return refuse(read.error());
    auto reload = parts.live->compare(*read);
    if (!reload)
        return refuse(reload.error());
    auto operators = newOperators(reload->settings);
    if (!operators)
        return refuse(operators.error());
    for (const auto& warning : read->warnings)
        spdlog::warn("{}", warning);
    for (const auto& key : reload->needRestart)
        spdlog::warn("configuration: {} has changed and needs a restart", key);
    for (const auto& key : reload->kept)
        spdlog::info("configuration: {} was set live and stays until the restart", key);
    takeOver(std::move(*reload), std::move(*operators));
    for (const auto& again : parts.reloaded)
        again(parts.live->settings());
    spdlog::info("configuration read again: {}", read->file.empty() ? "no file" : read->file);
}

/// Whether a change matters is each reader's own look: they all go by the settings that they are given here.
void Node::takeOver(LiveSettings::Reload reload, Operators operators) {
    auto& parts = *m_parts;
    const auto changed = reload.changed;
    parts.live->take(std::move(reload));
    const auto& settings = parts.live->settings();
    parts.log.configure(settings.log);
    parts.admission->configure(settings);
    for (const auto& line : changed)
        spdlog::info("configuration: {}", line);
    const auto whole = std::make_shared<const Settings>(settings);
    for (auto& box : parts.shardBoxes)
        box->postState("configure", Configure{whole});
    if (parts.tokenFile && operators.source != parts.tokenFile->path())
        parts.tokenFile.reset(); // its token opens nothing any more
    parts.tokenSource = operators.source;
    parts.ops->configure(std::move(operators.tokens), settings.admin.origins);
}

/// Nobody locks himself out: a node whose admin channel is open keeps somebody who may use it.
Result<Node::Operators> Node::newOperators(const Settings& settings) const {
    auto operators = readOperators(settings);
    if (operators && operators->tokens.isEmpty() && m_parts->ops->hasOperators())
        return failure(
            ErrorCode::Configuration,
            fmt::format("admin.token_file = {}: no token would be left; a restart makes a local one",
                        settings.admin.tokenFile));
    return operators;
}

/// From the token file and the environment; with neither the token that the node made for this machine.
Result<Node::Operators> Node::readOperators(const Settings& settings) const {
    const auto& parts = *m_parts;
    Operators operators;
    if (const auto& path = settings.admin.tokenFile; !path.empty()) {
        QFile file(QString::fromStdString(path));
        if (!file.open(QIODevice::ReadOnly))
            return failure(ErrorCode::Configuration,
                           fmt::format("admin.token_file = {}: {}", path, file.errorString().toStdString()));
        auto parsed = Tokens::parse(file.read(qint64(8) << 20).toStdString());
        if (!parsed)
            return failure(ErrorCode::Configuration, fmt::format("{}: {}", path, parsed.error().message));
        operators.tokens = std::move(*parsed);
        operators.source = path;
    }
    if (const auto token = qEnvironmentVariable("WEIR_ADMIN_TOKEN").toStdString(); !token.empty()) {
        operators.tokens.add({"environment", Role::Operator}, token);
        operators.source += operators.source.empty() ? "WEIR_ADMIN_TOKEN" : " and WEIR_ADMIN_TOKEN";
    }
    if (operators.tokens.isEmpty() && parts.tokenFile) {
        operators.tokens.add({"local", Role::Operator}, parts.localToken);
        operators.source = parts.tokenFile->path();
    }
    return operators;
}

} // namespace server
