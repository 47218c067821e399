package application

import (
	"errors"

	"postern/gateway/message"
	"postern/provisioning/config"
)

// payload is what an application's requests hold.
type payload struct {
	key        string // of the expression
	expression *message.Expression
	equals     string
}

// question is an expression, and whose requests hold which of the texts it finds:
// a body is searched once for all applications that have the same expression.
type question struct {
	expression *message.Expression
	answers    map[string][]*Application
}

// expressions are those that are compiled already.
type expressions map[string]*message.Expression

func (e expressions) payload(cfg *config.PayloadRule) (payload, error) {
	p := payload{key: cfg.Expression(), equals: cfg.Equals}
	if p.expression = e[p.key]; p.expression != nil {
		return p, nil
	}
	made, err := message.Compile(cfg)
	if err != nil {
		return payload{}, err
	}
	e[p.key], p.expression = made, made
	return p, nil
}

// newQuestions groups what the applications are found by.
func newQuestions(applications []*Application) (all []question) {
	at := map[string]int{}
	for _, a := range applications {
		for _, p := range a.payloads {
			if p.expression == nil {
				continue // reported
			}
			i, known := at[p.key]
			if !known {
				i = len(all)
				at[p.key] = i
				all = append(all, question{p.expression, map[string][]*Application{}})
			}
			q := all[i]
			q.answers[p.equals] = add(q.answers[p.equals], []*Application{a})
		}
	}
	return all
}

// ByPayload returns the applications whose requests hold what m does. A body that
// an expression cannot look into, such as XML for a JSONPath, holds nothing of
// it. The error is message.ErrTooMuch or a *problem.Problem.
func (x *Index) ByPayload(m *message.Message) (found []*Application, err error) {
	for _, q := range x.payloads {
		err := q.expression.Find(m, func(value string) bool {
			found = add(found, q.answers[value])
			return true
		})
		if err != nil && !errors.Is(err, message.ErrMalformed) {
			return nil, err
		}
	}
	return found, nil
}
