/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One account, two regions, and up to two moves: from region 0 to region 1, and
 * back.  docs/moving.md is the protocol in words; model/check runs this.
 *
 * Faults.  Every message that was ever sent stays readable (the m* arrays): it
 * may be received many times, in any order, late, or never, which is loss,
 * repetition, reordering, delay and partition at once.  Every guarded action is
 * one durable transaction, so a crash before it is a message that was not
 * received, and a crash after it is a reply that was lost.  A frozen source
 * that restarts takes the abort action, which is open at any time before the
 * hand-off.
 *
 * A write counts as acknowledged when a region commits it: the client may or
 * may not have heard.
 *
 *   MOVES 1 there, 2 there and back     W writes     ATT attempts for each move
 *   GRACE     the source erases without a device's acknowledgement
 *   ERASURES  the person, or a rule, erases records
 *   RESTORE   region 0 is once restored from a backup that holds every
 *             acknowledged write, after it has given the account away, whether or
 *             not the hand-off has arrived
 *
 * Each M_ is a mistake, and has to fail.
 */
#ifndef MOVES
#define MOVES 1
#endif
#ifndef W
#define W 2
#endif
#ifndef ATT
#define ATT 2
#endif
#define BIT(i) (1 << (i))
#define SUBSET(a, b) (((a) & (255 - (b))) == 0)
#define OTHER (1 - me)
/* Move m goes from region m to the other one; messages of attempt a of move m. */
#define MSG(m, a) ((m)*ATT + (a))

/* UNSURE, HELD: restored; its peers have not answered, or one of them is prepared. */
mtype = { NONE, STAGING, PREPARED, HOME, FROZEN, GONE, UNSURE, HELD };

mtype st[2];
byte data[2];          /* what each region holds of the account */
byte era[2];           /* how many moves the region knows to be done */
byte acked, erased;    /* writes that count; records that must not come back */
byte napp[W];          /* how often each write was applied anywhere */
bool order[MOVES], revoked[MOVES];
byte satt[MOVES], datt[MOVES];

bool mFrozen[MOVES * ATT], mPrep[MOVES * ATT], mHandoff[MOVES * ATT], mAbort[MOVES * ATT];
byte frozenRoot[MOVES * ATT], prepRoot[MOVES * ATT];
bool mActive[MOVES], mAck[MOVES], cleared[MOVES];

#ifdef M_TOCTOU
bool pending[W];
#endif
#ifdef M_ERASERETURN
bool late;
#endif
#ifdef RESTORE
bool backed, restored;
byte backup;
#endif

#ifdef M_NOROOT
#define ROOTS_AT_SOURCE(m) (true)
#define ROOTS_AT_TARGET(m, a) (true)
#else
#define ROOTS_AT_SOURCE(m) (prepRoot[MSG(m, satt[m])] == frozenRoot[MSG(m, satt[m])])
#define ROOTS_AT_TARGET(m, a) (data[me] == frozenRoot[MSG(m, a)])
#endif
#ifdef M_ERASEEARLY
#define MAY_ERASE(m) (true)
#elif defined(GRACE)
#define MAY_ERASE(m) (mActive[m])
#else
#define MAY_ERASE(m) (mActive[m] && mAck[m])
#endif
/* Erasing waits for a move that is under way, or ends it first. */
#ifdef M_NOPAUSE
#define UNDER_WAY(r) (false)
#else
#define UNDER_WAY(r) (era[r] < MOVES && order[era[r]] && !revoked[era[r]])
#endif

/* Not mistakes: that the search gets so far at all, which has to be found too. */
#if defined(R_THERE)
#define REACHES (cleared[0] && st[1] == HOME && acked == BIT(W) - 1)
#elif defined(R_BACK)
#define REACHES (cleared[1] && st[0] == HOME && acked == BIT(W) - 1)
#elif defined(R_RESTORED)
#define REACHES (restored && cleared[0])
#elif defined(R_HELD)
#define REACHES (restored && st[0] == HOME && mHandoff[0])
#elif defined(R_AGAIN)
#define REACHES (mAbort[0] && mActive[0])
#endif

#define HOMES ((st[0] == HOME) + (st[1] == HOME))
#define CLEARED_EARLY(m) (cleared[m] && !mActive[m])
#define SERVES(r) (st[r] == HOME || st[r] == FROZEN)

/* What must hold in every state. */
proctype Monitor()
{
end:	do
	/* at most one home */
	:: atomic { HOMES > 1 -> assert(false) }
	/* a home has every write that counts */
	:: atomic { SERVES(0) && !SUBSET(acked, data[0]) -> assert(false) }
	:: atomic { st[1] == HOME && !SUBSET(acked, data[1]) -> assert(false) }
	/* somebody has every write that counts */
	:: atomic { !SUBSET(acked, data[0]) && !SUBSET(acked, data[1]) -> assert(false) }
	/* nothing that was erased comes back */
	:: atomic { SERVES(0) && (data[0] & erased) != 0 -> assert(false) }
	:: atomic { SERVES(1) && (data[1] & erased) != 0 -> assert(false) }
	/* a copy is erased only once the other region is home */
	:: atomic { CLEARED_EARLY(0) -> assert(false) }
	/* whoever gave the account away gave it to somebody who has it */
	:: atomic { st[0] == GONE && era[0] == 1 && era[1] == 0 && st[1] != PREPARED ->
		assert(false) }
#if MOVES > 1
	:: atomic { CLEARED_EARLY(1) -> assert(false) }
	:: atomic { st[1] == GONE && era[1] == 2 && era[0] == 1 && st[0] != PREPARED ->
		assert(false) }
#endif
#ifdef REACHES
	:: atomic { REACHES -> assert(false) }
#endif
	/* no byte without an order */
	:: atomic { !order[0] && (st[1] != NONE || data[1] != 0) -> assert(false) }
	od
}

inline apply(r, w)
{
	if
	:: (data[r] & BIT(w)) -> skip
	:: else -> data[r] = data[r] | BIT(w); napp[w]++
	fi;
	acked = acked | BIT(w)
}

/* The person: orders, may cancel, and acknowledges what a device has checked. */
proctype Person()
{
	byte m;
	order[0] = true;
end:	do
#if MOVES > 1
	:: atomic { st[1] == HOME && era[1] == 1 && !order[1] -> order[1] = true }
#endif
	:: atomic {
		m = 0;
		if
#if MOVES > 1
		:: order[1] -> m = 1
#endif
		:: skip
		fi;
		if
		:: order[m] && !revoked[m] && st[1 - m] != HOME && st[m] != GONE &&
		   era[m] == m -> revoked[m] = true
		:: st[1 - m] == HOME && era[1 - m] == m + 1 && !mAck[m] &&
		   SUBSET(acked, data[1 - m]) -> mAck[m] = true
		:: else -> skip
		fi;
		m = 0
	   }
	od
}

/* Devices write, and write again what they got no answer for, anywhere. */
proctype Device()
{
	byte w, r;
end:	do
	:: atomic {
		if
		:: w = 0
		:: w = 1
#if W > 2
		:: w = 2
#endif
		fi;
		if
		:: r = 0
		:: r = 1
		fi;
		if
#ifdef M_TOCTOU
		:: st[r] == HOME && !pending[w] && r == 0 -> pending[w] = true
		:: pending[w] && r == 0 && st[0] != NONE && !(data[0] & BIT(w)) -> apply(0, w)
		:: st[r] == HOME && r == 1 && !(acked & BIT(w)) -> apply(r, w)
#elif defined(M_ACKEARLY)
		:: st[r] == HOME && !((data[r] | erased) & BIT(w)) ->
			acked = acked | BIT(w);
			if
			:: data[r] = data[r] | BIT(w); napp[w]++
			:: skip
			fi
#else
		:: st[r] == HOME && !(erased & BIT(w)) &&
		   (!(data[r] & BIT(w)) || !(acked & BIT(w))) -> apply(r, w)
#endif
		:: else -> skip
		fi;
		assert(napp[w] <= 1);
		w = 0; r = 0
	   }
	od
}

#ifdef ERASURES
/* The person asks, or a rule says, that a record goes. */
proctype Eraser()
{
	byte r;
end:	do
	:: atomic {
		if
		:: r = 0
		:: r = 1
		fi;
		if
		:: st[r] == HOME && !UNDER_WAY(r) && (data[r] & 1) ->
			erased = erased | 1; data[r] = data[r] & 254; acked = acked & 254
#ifdef M_ERASEFROZEN
		:: st[r] == FROZEN && (data[r] & 1) ->
			erased = erased | 1; data[r] = data[r] & 254; acked = acked & 254
#endif
		:: else -> skip
		fi;
		r = 0
	   }
	od
}
#endif

#ifdef M_SIGNEARLY /* the root is of before the freeze, and not looked at again */
#define SIGN_EARLY(m) mFrozen[MSG(m, satt[m])] = true
#define SIGN_BEFORE(m)                                                                         \
	:: atomic { st[me] == HOME && era[me] == m && order[m] && satt[m] < ATT ->             \
		frozenRoot[MSG(m, satt[m])] = data[me] }
#else
#define SIGN_EARLY(m)
#define SIGN_BEFORE(m)
#endif

/* As the source of move m, where `me` is its region m. */
#define SOURCE(m)                                                                              \
	:: atomic { st[me] == HOME && era[me] == m && order[m] && !revoked[m] &&              \
	            satt[m] < ATT ->                                                           \
		st[me] = FROZEN; SIGN_EARLY(m) }                                               \
	/* signed behind the request, of what is there then */                                 \
	:: atomic { st[me] == FROZEN && era[me] == m && !mFrozen[MSG(m, satt[m])] ->           \
		mFrozen[MSG(m, satt[m])] = true; frozenRoot[MSG(m, satt[m])] = data[me] }      \
	/* the deadline, a restart, or the person's cancelling */                              \
	:: atomic { st[me] == FROZEN && era[me] == m ->                                        \
		mAbort[MSG(m, satt[m])] = true; satt[m]++; st[me] = HOME }                     \
	/* the commit point */                                                                 \
	:: atomic { st[me] == FROZEN && era[me] == m && mPrep[MSG(m, satt[m])] &&              \
	            ROOTS_AT_SOURCE(m) ->                                                      \
		mHandoff[MSG(m, satt[m])] = true; st[me] = GONE; era[me] = m + 1 }             \
	:: atomic { st[me] == GONE && era[me] == m + 1 && MAY_ERASE(m) ->                      \
		st[me] = NONE; data[me] = 0; cleared[m] = true }

/* One attempt a of move m at its target. */
#define PREPARE(m, a)                                                                          \
	:: atomic { st[me] == STAGING && era[me] == m && mFrozen[MSG(m, a)] &&                 \
	            !mPrep[MSG(m, a)] && ROOTS_AT_TARGET(m, a) ->                              \
		st[me] = PREPARED; datt[m] = a;                                                \
		mPrep[MSG(m, a)] = true; prepRoot[MSG(m, a)] = data[me] }

#ifdef M_OLDHANDOFF /* takes any hand-off to this region, of whichever move */
#define HAS_HANDOFF(m) (mHandoff[MSG(m, datt[m])] || (me == 1 && mHandoff[MSG(0, datt[0])]))
#else
#define HAS_HANDOFF(m) (st[me] == PREPARED && mHandoff[MSG(m, datt[m])])
#endif

/* As the target of move m; the copy that it once gave away is erased before. */
#define TARGET(m)                                                                              \
	:: atomic { m > 0 && order[m] && !revoked[m] && era[me] == m && st[me] == GONE ->      \
		st[me] = NONE; data[me] = 0; cleared[0] = true }                               \
	:: atomic { order[m] && !revoked[m] && era[me] == m && st[me] == NONE ->               \
		st[me] = STAGING; data[me] = 0 }                                               \
	:: atomic { st[me] == STAGING && era[me] == m && st[OTHER] != NONE &&                  \
	            (data[OTHER] & ~data[me] & 7) ->                                           \
		if                                                                             \
		:: (data[OTHER] & 1) && !(data[me] & 1) -> data[me] = data[me] | 1             \
		:: (data[OTHER] & 2) && !(data[me] & 2) -> data[me] = data[me] | 2             \
		:: (data[OTHER] & 4) && !(data[me] & 4) -> data[me] = data[me] | 4             \
		fi }                                                                           \
	PREPARE(m, 0)                                                                          \
	PREPARE_MORE(m)                                                                        \
	:: atomic { st[me] == PREPARED && era[me] == m && mAbort[MSG(m, datt[m])] ->           \
		st[me] = STAGING }                                                             \
	RECEIVE(m)                                                                             \
	:: atomic { st[me] == STAGING && era[me] == m && revoked[m] && st[OTHER] != GONE ->    \
		st[me] = NONE; data[me] = 0 }

#if ATT > 2
#define PREPARE_MORE(m) PREPARE(m, 1) PREPARE(m, 2)
#elif ATT > 1
#define PREPARE_MORE(m) PREPARE(m, 1)
#else
#define PREPARE_MORE(m)
#endif

#ifdef M_NORESEND /* the hand-off was sent once, and nobody asks again */
#define RECEIVE(m)
#else
#define RECEIVE(m)                                                                             \
	:: atomic { (st[me] == PREPARED || (M_OLD && st[me] == GONE)) && HAS_HANDOFF(m) ->     \
		st[me] = HOME; era[me] = m + 1; mActive[m] = true }
#endif
#ifdef M_OLDHANDOFF
#define M_OLD (true)
#else
#define M_OLD (false)
#endif

proctype Region0()
{
	byte me = 0;
end:	do
	SOURCE(0)
#if MOVES > 1
	TARGET(1)
#endif
#ifdef M_NOFREEZE
	:: atomic { st[0] == HOME && era[0] == 0 && satt[0] < ATT && mPrep[MSG(0, satt[0])] ->
		mHandoff[MSG(0, satt[0])] = true; st[0] = GONE; era[0] = 1 }
	:: atomic { st[0] == HOME && era[0] == 0 && order[0] && satt[0] < ATT &&
	            !mFrozen[MSG(0, satt[0])] ->
		mFrozen[MSG(0, satt[0])] = true; frozenRoot[MSG(0, satt[0])] = data[0] }
#endif
	SIGN_BEFORE(0)
#ifdef M_ERASERETURN /* the days of grace end for whatever is there by then */
	:: atomic { MOVES > 1 && !late && mActive[0] && era[0] > 0 && st[0] != NONE ->
		late = true; st[0] = NONE; data[0] = 0; cleared[0] = true }
#endif
#ifdef M_ABORTLATE
	:: atomic { st[0] == GONE && era[0] == 1 && !mActive[0] && satt[0] < ATT ->
		mAbort[MSG(0, satt[0])] = true; satt[0]++; st[0] = HOME; era[0] = 0 }
#endif
#ifdef RESTORE
	:: atomic { !backed && st[0] == HOME && era[0] == 0 -> backed = true; backup = data[0] }
	:: atomic { backed && !restored && era[0] == 1 && st[0] != STAGING &&
	            st[0] != PREPARED && st[0] != HOME && st[0] != FROZEN &&
	            SUBSET(acked, backup) ->
		/* It knows nothing of the attempt, and begins none that it had begun. */
		restored = true; data[0] = backup; era[0] = 0; satt[0]++;
#ifdef M_NOGUARD
		st[0] = HOME
#else
		st[0] = UNSURE
#endif
	   }
	/* Asks its peers before it serves: what lives there does not live here .. */
	:: atomic { (st[0] == UNSURE || st[0] == HELD) && era[1] == 1 ->
		st[0] = GONE; era[0] = 1 }
	/* .. and what is prepared there may still become home, until that attempt is over. */
	:: atomic { st[0] == UNSURE && era[1] == 0 && st[1] == PREPARED ->
		mAbort[MSG(0, datt[0])] = true;
#ifdef M_NOHOLD
		st[0] = HOME
#else
		st[0] = HELD
#endif
	   }
	:: atomic { (st[0] == UNSURE || st[0] == HELD) && era[1] == 0 && st[1] != PREPARED ->
		st[0] = HOME }
#endif
	od
}

proctype Region1()
{
	byte me = 1;
end:	do
	TARGET(0)
#if MOVES > 1
	SOURCE(1)
#endif
#ifdef M_DTIMEOUT
	:: atomic { st[1] == PREPARED -> st[1] = HOME; era[1] = 1; mActive[0] = true }
#endif
#ifdef M_DDISCARD
	:: atomic { st[1] == PREPARED -> st[1] = NONE; data[1] = 0 }
#endif
#ifdef M_DFORGET
	:: atomic { st[1] == PREPARED && data[1] != 0 -> data[1] = 0 }
#endif
#ifdef M_OVERRIDE
	:: atomic { st[1] == STAGING -> st[1] = HOME; era[1] = 1; mActive[0] = true }
#endif
	od
}

/* A reader at a region that gave the account away sees what is old. */
#ifdef M_STALEREAD
proctype Reader()
{
end:	do
	:: atomic { st[0] == GONE && !SUBSET(acked, data[0]) -> assert(false) }
	od
}
#endif

init
{
	atomic {
		st[0] = HOME;
		st[1] = NONE;
		run Monitor();
		run Person();
		run Device();
#ifdef ERASURES
		run Eraser();
#endif
#ifdef M_STALEREAD
		run Reader();
#endif
		run Region0();
		run Region1()
	}
}

/* Never without a home for ever. */
ltl live { <>[] (st[0] == HOME || st[1] == HOME) }
