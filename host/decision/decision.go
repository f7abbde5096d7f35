// Package decision keeps what was decided on requests: it takes records off the requests'
// hands, writes them in the background, forgets them when their time is over, and shows them to
// those who may see them. It decides nothing, and knows no rules.
//
// Read log.go first.
package decision
