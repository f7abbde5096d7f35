package main

import (
	"errors"
	"slices"
)

// reach is where --prune deletes: in the accounts, and of keys those of the users, that the files'
// rows name. A flag that gives accounts takes all of their users with them.
type reach struct {
	everywhere bool
	accounts   map[string]bool // "": everybody's rules and limits
	users      map[[2]string]bool
	allUsers   bool
}

var errNoReach = errors.New("--prune: no row of the files says of which account: give --account ID, or --all-accounts to delete in every account what files do not have")

// reachOf is where the files, or the flags, let --prune delete.
func reachOf(want []resource, who caller, account string, everywhere bool) (reach, error) {
	r := reach{everywhere: everywhere, accounts: map[string]bool{}, users: map[[2]string]bool{}, allUsers: account != ""}
	switch {
	case everywhere:
	case account != "":
		r.accounts[account] = true
	case len(want) == 0 && who.super:
		return r, errNoReach
	case len(want) == 0:
		r.accounts[who.account] = true
	}
	if account == "" {
		for i := range want {
			r.accounts[want[i].account] = true
		}
	}
	keys := slices.DeleteFunc(slices.Clone(want), func(w resource) bool { return w.kind != kindKeys })
	for i := range keys {
		r.users[[2]string{keys[i].account, keys[i].user}] = true
	}
	if len(keys) == 0 { // a section without any: what it did not name is the caller's own
		r.users[[2]string{who.account, who.user}] = true
	}
	return r, nil
}

func (r reach) has(h *resource) bool {
	switch {
	case r.everywhere:
		return true
	case !r.accounts[h.account]:
		return false
	}
	return h.kind != kindKeys || r.allUsers || r.users[[2]string{h.account, h.user}]
}

// pruned are the steps that delete what no file has.
func pruned(want, have []resource, sections []string, who caller, within reach) (steps []*step) {
	wanted := map[[4]string]bool{}
	for i := range want {
		wanted[want[i].key()] = true
	}
	// What was made last may need what was made first.
	for i := len(have) - 1; i >= 0; i-- {
		h := &have[i]
		if wanted[h.key()] || h.system || !slices.Contains(sections, h.kind) || !within.has(h) || h.kind == kindKeys && slices.Contains(who.keyIDs, h.serverID) {
			continue
		}
		steps = append(steps, &step{Action: actionDelete, Kind: h.kind, AccountID: h.account, ID: h.title(), kind: h.kind, was: h})
	}
	return steps
}
