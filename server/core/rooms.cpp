// SPDX-License-Identifier: Apache-2.0
#include "server/core/rooms.h"
#include "server/core/router.h"
#include <algorithm>
#include <deque>
#include <tsl/robin_map.h>

namespace server {
namespace {

constexpr std::size_t SliceRecipients = 512;
constexpr std::chrono::milliseconds SliceTime{2};
constexpr std::size_t ClockEvery = 64; // recipients between two looks at the clock
/// Deliveries that may wait on one shard, over all rooms; the newest is dropped and counted beyond it.
constexpr std::size_t MostWaiting = 100000;

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
struct TextEqual {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};
template <class Value>
using TextMap = tsl::robin_map<std::string, Value, TextHash, TextEqual>;

} // namespace

struct Namespace;

/// A message on its way, in the queue of each room it is for.
struct Passage {
    explicit Passage(MessagePtr message, TimePoint now) : delivery(std::move(message)), queuedAt(now) {}
    Delivery delivery;
    TimePoint queuedAt;
    std::vector<Room*> rooms;          // all of its rooms that have members here
    std::size_t waitingFor = 0;        // rooms in whose queue it is not yet the first
    std::size_t current = 0;           // the one of `rooms` that is being visited
    std::uint64_t mark = 0;            // for Member::visit when it has several rooms
    std::vector<const Room*> except;   // named rooms whose members do not get it
    std::vector<const Member*> absent; // members named one by one by their implied room
    std::uint64_t reached = 0;
    bool isStarted = false;
};

/// Named members. While a message is under way, [0, cursor) have been visited and [cursor, end) have not.
class Room {
public:
    Room(Namespace& owner, RoomName name) : owner(owner), name(std::move(name)) {}
    Namespace& owner;
    RoomName name; // empty: everybody in the namespace
    std::vector<Member*> members;
    std::size_t cursor = 0;
    std::deque<std::shared_ptr<Passage>> queue;
};

struct Namespace {
    explicit Namespace(NamespaceName name) : name(std::move(name)), everybody(*this, RoomName()) {}
    NamespaceName name;
    Room everybody;
    TextMap<std::unique_ptr<Room>> rooms;
    TextMap<Member*> byId;
};

struct Rooms::Inner {
    ShardIndex shard;
    Router& router;
    Counters& counters;
    const Clock& clock;
    TextMap<std::unique_ptr<Namespace>> namespaces;
    std::deque<std::shared_ptr<Passage>> ready; // first in all of their rooms: round robin
    std::size_t memberCount = 0;
    std::size_t roomCount = 0;
    std::size_t waiting = 0;
    std::uint64_t nextMark = 0;

    Namespace* find(std::string_view nsp) const {
        const auto it = namespaces.find(nsp);
        return it == namespaces.end() ? nullptr : it->second.get();
    }
    static Room* find(const Namespace& nsp, std::string_view room) {
        const auto it = nsp.rooms.find(room);
        return it == nsp.rooms.end() ? nullptr : it->second.get();
    }
    /// Where `member` sits in `room`; the namespace's own room is kept outside the seats.
    static std::uint32_t& position(Member& member, Room& room) {
        if (&room == &room.owner.everybody)
            return member.everybody;
        const auto seat = std::find_if(member.seats.begin(), member.seats.end(),
                                       [&room](const Member::Seat& s) { return s.room == &room; });
        return seat->position;
    }
    static bool sits(const Member& member, const Room& room) {
        return std::any_of(member.seats.begin(), member.seats.end(),
                           [&room](const Member::Seat& seat) { return seat.room == &room; });
    }
    static void place(Room& room, std::size_t index, Member* member) {
        room.members[index] = member;
        position(*member, room) = std::uint32_t(index);
    }
    /// Takes out the member at `index` and keeps the two halves apart, so that nobody is skipped or visited
    /// twice.
    static void takeOut(Room& room, std::size_t index) {
        if (index < room.cursor) {
            --room.cursor;
            if (index != room.cursor)
                place(room, index, room.members[room.cursor]);
            index = room.cursor;
        }
        if (index + 1 != room.members.size())
            place(room, index, room.members.back());
        room.members.pop_back();
    }
    void vacate(Room& room) {
        if (!room.members.empty() || !room.queue.empty())
            return;                       // a queued message still names it: finish() looks again
        for (const auto& passage : ready) // a later room may get its address
            std::erase(passage->except, &room);
        Namespace& owner = room.owner;
        owner.rooms.erase(
            owner.rooms.find(std::string_view(room.name.text()))); // `room` is gone from here on
        --roomCount;
        counters.add(shared::Metric::Rooms, 0, -1);
    }
    void leaveSeat(Member& member, std::size_t seat) {
        Room& room = *member.seats[seat].room;
        takeOut(room, member.seats[seat].position);
        member.seats[seat] = member.seats.back();
        member.seats.pop_back();
        if (room.members.empty()) {
            router.roomVacated(room.owner.name, room.name, shard);
            vacate(room);
        }
    }

    void queueIn(const std::shared_ptr<Passage>& passage) {
        passage->waitingFor = passage->rooms.size();
        for (Room* room : passage->rooms) {
            room->queue.push_back(passage);
            if (room->queue.size() == 1)
                --passage->waitingFor;
        }
        ++waiting;
        if (passage->waitingFor == 0)
            ready.push_back(passage);
    }
    void findAbsent(Passage& passage, const Namespace& nsp) const {
        for (const auto& name : passage.delivery.message().except) {
            if (const auto it = nsp.byId.find(std::string_view(name.text())); it != nsp.byId.end())
                passage.absent.push_back(it->second);
            if (const Room* room = find(nsp, name.text()))
                passage.except.push_back(room);
        }
    }
    bool isFor(const Passage& passage, const Member& member) const {
        if (passage.rooms.size() > 1 && member.visit == passage.mark)
            return false;
        if (std::find(passage.absent.begin(), passage.absent.end(), &member) != passage.absent.end())
            return false;
        return std::none_of(passage.except.begin(), passage.except.end(),
                            [&member](const Room* room) { return sits(member, *room); });
    }
    /// To the one member that a room is implied by.
    void deliverToOne(Member& member, MessagePtr message) {
        Passage passage(std::move(message), clock.now());
        findAbsent(passage, *find(member.nsp.text()));
        if (isFor(passage, member))
            member.recipient->deliver(member, passage.delivery);
        counters.observeCount(shared::Metric::FanoutMembers, 1);
    }
    void start(Passage& passage) {
        passage.isStarted = true;
        passage.mark = ++nextMark;
        for (Room* room : passage.rooms)
            room->cursor = 0;
        findAbsent(passage, passage.rooms.front()->owner);
    }
    void finish(const std::shared_ptr<Passage>& passage) {
        --waiting;
        counters.observeCount(shared::Metric::FanoutMembers, passage->reached);
        counters.observe(shared::Metric::FanoutSeconds, clock.now() - passage->queuedAt);
        for (Room* room : passage->rooms) {
            room->queue.pop_front();
            room->cursor = 0;
            if (!room->queue.empty()) {
                const auto& next = room->queue.front();
                if (--next->waitingFor == 0)
                    ready.push_back(next);
            } else if (room->members.empty() && room != &room->owner.everybody) {
                vacate(*room);
            }
        }
    }
    /// Visits members until the passage or the budget is at its end; true when the passage is.
    bool visit(Passage& passage, std::size_t& budget, TimePoint until) {
        while (passage.current < passage.rooms.size()) {
            Room& room = *passage.rooms[passage.current];
            while (room.cursor < room.members.size()) {
                if (budget == 0 || (budget % ClockEvery == 0 && clock.now() >= until)) {
                    budget = 0;
                    return false;
                }
                --budget;
                Member& member = *room.members[room.cursor++];
                if (!isFor(passage, member))
                    continue;
                member.visit = passage.mark;
                ++passage.reached;
                member.recipient->deliver(member, passage.delivery);
            }
            ++passage.current;
        }
        return true;
    }
};

Rooms::Rooms(ShardIndex shard, Router& router, Counters& counters, const Clock& clock)
    : m_inner(new Inner{shard, router, counters, clock, {}, {}, 0, 0, 0, 0}) {}
Rooms::~Rooms() = default;

void Rooms::add(Member& member) {
    auto& slot = m_inner->namespaces[member.nsp.text()];
    if (!slot)
        slot = std::make_unique<Namespace>(member.nsp);
    slot->byId.insert({member.id.text(), &member});
    slot->everybody.members.push_back(&member);
    member.everybody = std::uint32_t(slot->everybody.members.size() - 1);
    ++m_inner->memberCount;
}

void Rooms::remove(Member& member) {
    while (!member.seats.empty())
        m_inner->leaveSeat(member, member.seats.size() - 1);
    Namespace* nsp = m_inner->find(member.nsp.text());
    nsp->byId.erase(member.id.text());
    Inner::takeOut(nsp->everybody, member.everybody);
    --m_inner->memberCount;
    // A message under way remembers it only to leave it out; a later member may get its address.
    for (const auto& passage : m_inner->ready)
        std::erase(passage->absent, &member);
}

JoinOutcome Rooms::join(Member& member, const RoomName& name) {
    if (name.text() == member.id.text())
        return JoinOutcome::AlreadyIn; // the implied room
    Namespace& nsp = *m_inner->find(member.nsp.text());
    Room* room = Inner::find(nsp, name.text());
    if (room && Inner::sits(member, *room))
        return JoinOutcome::AlreadyIn;
    if (!room) {
        auto made = std::make_unique<Room>(nsp, name);
        room = made.get();
        nsp.rooms.insert({name.text(), std::move(made)});
        ++m_inner->roomCount;
        m_inner->counters.add(shared::Metric::Rooms);
    }
    if (room->members.empty())
        m_inner->router.roomOccupied(nsp.name, name, m_inner->shard);
    room->members.push_back(&member);
    member.seats.push_back({room, std::uint32_t(room->members.size() - 1)});
    return JoinOutcome::Joined;
}

bool Rooms::leave(Member& member, const RoomName& name) {
    for (std::size_t seat = 0; seat < member.seats.size(); ++seat) {
        if (member.seats[seat].room->name == name) {
            m_inner->leaveSeat(member, seat);
            return true;
        }
    }
    return false;
}

bool Rooms::isIn(const Member& member, const RoomName& name) const {
    return name.text() == member.id.text() ||
           std::any_of(member.seats.begin(), member.seats.end(),
                       [&name](const Member::Seat& seat) { return seat.room->name == name; });
}

std::vector<RoomName> Rooms::roomsOf(const Member& member) const {
    std::vector<RoomName> names;
    names.reserve(member.seats.size());
    for (const auto& seat : member.seats)
        names.push_back(seat.room->name);
    return names;
}

Member* Rooms::find(const NamespaceName& nsp, const MemberId& id) const {
    const Namespace* found = m_inner->find(nsp.text());
    if (!found)
        return nullptr;
    const auto it = found->byId.find(std::string_view(id.text()));
    return it == found->byId.end() ? nullptr : it->second;
}

std::size_t Rooms::memberCount() const {
    return m_inner->memberCount;
}
std::size_t Rooms::roomCount() const {
    return m_inner->roomCount;
}

void Rooms::deliver(MessagePtr message) {
    Namespace* nsp = m_inner->find(message->nsp.text());
    if (!nsp)
        return;
    if (m_inner->waiting >= MostWaiting) {
        m_inner->counters.add(shared::Metric::DropsTotal, shared::DropReason::Overloaded);
        return;
    }
    std::vector<Room*> targets;
    std::vector<Member*> implied;
    for (const auto& name : message->rooms) {
        if (const auto it = nsp->byId.find(std::string_view(name.text())); it != nsp->byId.end())
            implied.push_back(it->second);
        else if (Room* room = Inner::find(*nsp, name.text());
                 room && std::find(targets.begin(), targets.end(), room) == targets.end())
            targets.push_back(room);
    }
    if (message->rooms.empty())
        targets.push_back(&nsp->everybody);
    for (Member* member : implied) {
        const bool isReachedByRoom = std::any_of(targets.begin(), targets.end(), [member](const Room* room) {
            return Inner::sits(*member, *room);
        });
        if (!isReachedByRoom)
            m_inner->deliverToOne(*member, message);
    }
    if (targets.empty())
        return;
    auto passage = std::make_shared<Passage>(std::move(message), m_inner->clock.now());
    passage->rooms = std::move(targets);
    m_inner->queueIn(passage);
}

SliceOutcome Rooms::deliverSlice() {
    std::size_t budget = SliceRecipients;
    const TimePoint until = m_inner->clock.now() + SliceTime;
    while (!m_inner->ready.empty() && budget > 0) {
        const auto passage = m_inner->ready.front();
        if (!passage->isStarted)
            m_inner->start(*passage);
        if (m_inner->visit(*passage, budget, until)) {
            m_inner->ready.pop_front();
            m_inner->finish(passage);
        } else {
            // Others first: a large room does not hold back a small one for longer than a slice.
            m_inner->ready.pop_front();
            m_inner->ready.push_back(passage);
        }
    }
    return m_inner->ready.empty() ? SliceOutcome::Finished : SliceOutcome::MoreLeft;
}

} // namespace server
